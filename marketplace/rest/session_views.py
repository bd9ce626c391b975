"""Remote sessions over HTTP: parse, one action or query, render. Every step answers the session as it stands then."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from marketplace.contracts.access import get_contract
from marketplace.crew.access import get_need
from marketplace.models import RemoteSession
from marketplace.rest import session_serializers as shapes
from marketplace.rest.contract_serializers import ContractReasonSerializer
from marketplace.sessions import api as sessions
from marketplace.sessions import queries
from tenants.resources.api import get_person
from tenants.rest.base import ActorView, ListView
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView
from tenants.rest.preconditions import refuse_changed

IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The version you read, as its ETag.")
STEP: dict[str, Any] = {"responses": shapes.RemoteSessionDetailSerializer, "parameters": [IF_MATCH, IDEMPOTENCY_KEY]}
CHANGED = "The session has changed since you read it; read it again and decide anew."


class SessionList(ListView):
    """Remote sessions of the organisation, as buyer or as firm, newest first."""

    needs = {"GET": "view_tasks"}
    serializer_class = shapes.RemoteSessionSerializer
    rows = queries.sessions_taken_part_in


class SessionDetail(ActorView):
    """With its log."""

    needs = {"GET": "view_tasks"}

    @extend_schema(responses=shapes.RemoteSessionDetailSerializer)
    def get(self, request: Request, remote_session_id: UUID) -> Response:
        return _answer(sessions.get_session(remote_session_id))


class ContractSessions(IdempotentView):
    """Those of one contract, by number; the firm books another one, which the buyer confirms."""

    needs = {"GET": "view_tasks", "POST": "use_resources"}

    @extend_schema(responses=shapes.ContractSessionsSerializer)
    def get(self, request: Request, contract_id: UUID) -> Response:
        found = sessions.sessions_of(get_contract(contract_id))
        return Response(shapes.ContractSessionsSerializer({"sessions": found}).data)

    @extend_schema(
        request=shapes.BookSessionSerializer,
        responses={201: shapes.RemoteSessionDetailSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, contract_id: UUID) -> Response:
        """409 names the certificate and the day it fails, or the booking in the way."""
        contract = get_contract(contract_id, needs="use_resources")
        said = _parsed(shapes.BookSessionSerializer, request.data)
        person, need = get_person(said.pop("person"), needs="use_resources"), said.pop("need")
        made = sessions.book_session(
            contract=contract,
            person=person,
            terms=sessions.SessionTerms(**said),
            need=get_need(contract.task, need) if need else None,
        )
        return _answer(made, status.HTTP_201_CREATED)


class SessionStep(IdempotentView):
    """A step of one session; a subclass says which."""

    form: ClassVar[type[Serializer[Any]]]
    does: ClassVar[Any]

    def post(self, request: Request, remote_session_id: UUID) -> Response:
        session = sessions.get_session(remote_session_id, needs=self.needs["POST"])
        refuse_changed(request, _etag(session), CHANGED)
        type(self).does(session=session, **_parsed(self.form, request.data))
        return _answer(session)


@extend_schema_view(post=extend_schema(request=None, **STEP))
class ConfirmSession(SessionStep):
    """The buyer agrees to the time, the rate and the ceiling."""

    needs = {"POST": "post_tasks"}
    form = Serializer
    does = sessions.confirm_session


@extend_schema_view(post=extend_schema(request=ContractReasonSerializer, **STEP))
class CancelSession(SessionStep):
    """Either party, before the start: the buyer with `post_tasks`, the firm with `use_resources`."""

    needs = {"POST": "view_tasks"}
    form = ContractReasonSerializer
    does = sessions.cancel_session


@extend_schema_view(post=extend_schema(request=None, **STEP))
class StartSession(SessionStep):
    """The firm begins, in the planned time or at most 15 minutes before; an expert is at one session at a time."""

    needs = {"POST": "claim_tasks"}
    form = Serializer
    does = sessions.start_session


@extend_schema_view(post=extend_schema(request=shapes.StopSessionSerializer, **STEP))
class StopSession(SessionStep):
    """The firm ends it: every minute that was begun counts, up to the ceiling."""

    needs = {"POST": "claim_tasks"}
    form = shapes.StopSessionSerializer
    does = sessions.stop_session


@extend_schema_view(post=extend_schema(request=shapes.LogNoteSerializer, **STEP))
class LogNote(SessionStep):
    """The firm puts down what was done and looked at, until the minutes are accepted."""

    needs = {"POST": "claim_tasks"}
    form = shapes.LogNoteSerializer
    does = sessions.log_note


@extend_schema_view(post=extend_schema(request=shapes.CorrectMinutesSerializer, **STEP))
class CorrectMinutes(SessionStep):
    """The firm reverses the minutes in the log and counts anew, at most what the clock said."""

    needs = {"POST": "claim_tasks"}
    form = shapes.CorrectMinutesSerializer
    does = sessions.correct_minutes


@extend_schema_view(post=extend_schema(request=ContractReasonSerializer, **STEP))
class ObjectToMinutes(SessionStep):
    """The buyer says what is wrong with the minutes; without an objection within 7 days they are accepted."""

    needs = {"POST": "post_tasks"}
    form = ContractReasonSerializer
    does = sessions.object_to_minutes


@extend_schema_view(post=extend_schema(request=None, **STEP))
class AcceptMinutes(SessionStep):
    """The buyer owes them: they are received as a part of the contract beside its price, to be invoiced and paid."""

    needs = {"POST": "post_tasks"}
    form = Serializer
    does = sessions.accept_minutes


class ReverseNote(IdempotentView):
    """The firm takes back a note; both stay in the log."""

    needs = {"POST": "claim_tasks"}

    @extend_schema(request=ContractReasonSerializer, **STEP)
    def post(self, request: Request, note_id: UUID) -> Response:
        note = sessions.get_note(note_id)
        refuse_changed(request, _etag(note.session), CHANGED)
        sessions.reverse_note(note=note, **_parsed(ContractReasonSerializer, request.data))
        return _answer(note.session)


def _parsed(form_class: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    form = form_class(data=data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def _answer(session: RemoteSession, code: int = status.HTTP_200_OK) -> Response:
    fresh: Any = queries.sessions().get(pk=session.pk)
    fresh.log = list(queries.log_of(fresh))
    fresh.minutes = sum(entry.minutes for entry in fresh.log)
    fresh.amount_minor = sessions.amount_of(fresh.minutes, fresh.rate_minor)
    fresh.expert_name = queries.names_of_experts([fresh]).get(fresh.assignment_id, "")
    data = shapes.RemoteSessionDetailSerializer(fresh).data
    return Response(data, status=code, headers={"ETag": _etag(fresh)})


def _etag(session: RemoteSession) -> str:
    return f'"{session.version}"'
