"""Agreements over HTTP: parse, one action or query, render."""

from typing import Any, ClassVar, cast
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from tenants import access
from tenants.agreements import actions, queries
from tenants.agreements.access import with_places
from tenants.agreements.clauses import clauses_from
from tenants.agreements.data import Heading
from tenants.agreements.preview import preview_of
from tenants.agreements.serializers import (
    AcceptSerializer,
    AgreementSerializer,
    AgreementVersionSerializer,
    ClausePreviewSerializer,
    DraftSerializer,
    EndSerializer,
    FilterSerializer,
    NewVersionSerializer,
    SignSerializer,
)
from tenants.data import FieldError, Invalid, NotFound
from tenants.models import Agreement, AgreementVersion
from tenants.queries import tenants
from tenants.rest.base import ActorView, ListView
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView


class AgreementList(IdempotentView, ListView):
    """Those that the organisation is a party to, newest first."""

    needs = {"GET": "view_agreements", "POST": "manage_agreements"}
    serializer_class = AgreementSerializer
    queryset = Agreement.objects.none()  # names the model to the schema's generator, which has no identity

    def get_queryset(self) -> QuerySet[Agreement]:
        return queries.agreements(**_parsed(FilterSerializer, self.request.query_params))

    @extend_schema(parameters=[FilterSerializer], responses=AgreementSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)

    @extend_schema(request=DraftSerializer, responses={201: AgreementSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request) -> Response:
        """Draft one, seen by yourself alone; a call-off within an active framework is in force at once."""
        return _answer(_made(_parsed(DraftSerializer, request.data)), status=201)


class AgreementDetail(ActorView):
    needs = {"GET": "view_agreements"}

    @extend_schema(responses=AgreementSerializer)
    def get(self, request: Request, agreement_id: UUID) -> Response:
        return _answer(access.get_agreement(agreement_id))


class AgreementVersionList(IdempotentView, ListView):
    """Every version that was on the table, newest first, with the text to sign; the owner sees its drafts too."""

    needs = {"GET": "view_agreements", "POST": "manage_agreements"}
    serializer_class = AgreementVersionSerializer
    queryset = AgreementVersion.objects.none()  # names the model to the schema's generator, which has no identity

    def get_queryset(self) -> QuerySet[AgreementVersion]:
        return queries.versions(access.get_agreement(self.kwargs["agreement_id"]))

    @extend_schema(responses=AgreementVersionSerializer(many=True))
    def get(self, request: Request, agreement_id: UUID) -> Response:
        return super().get(request)

    @extend_schema(
        request=NewVersionSerializer, responses={201: AgreementVersionSerializer}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, agreement_id: UUID) -> Response:
        """Revise your draft, or counter what is on the table; the partner names places that it was offered."""
        agreement = access.get_agreement(agreement_id)
        data = _parsed(NewVersionSerializer, request.data)
        version = actions.propose_version(
            agreement=agreement,
            answers=data.pop("answers"),
            terms=data.pop("terms"),
            clauses=with_places(data.pop("clauses"), agreement),
            heading=cast(Heading, data),
        )
        return Response(AgreementVersionSerializer(queries.versions(agreement).get(pk=version.pk)).data, status=201)


class AgreementStep(IdempotentView):
    """The owner offers its draft, closes what is open for now, or opens it again."""

    needs = {"POST": "manage_agreements"}
    steps: ClassVar[dict[str, Any]] = {
        "offer": actions.offer_agreement,
        "suspend": actions.suspend_agreement,
        "resume": actions.resume_agreement,
    }
    step = ""

    @extend_schema(request=None, responses=AgreementSerializer, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, agreement_id: UUID) -> Response:
        agreement = access.get_agreement(agreement_id)
        self.steps[self.step](agreement=agreement)
        return _answer(agreement)


class AgreementAccept(IdempotentView):
    needs = {"POST": "manage_agreements"}

    @extend_schema(request=AcceptSerializer, responses=AgreementSerializer, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, agreement_id: UUID) -> Response:
        """Agree to the other party's version; both sign it next."""
        agreement = access.get_agreement(agreement_id)
        actions.accept_agreement(agreement=agreement, **_parsed(AcceptSerializer, request.data))
        return _answer(agreement)


class AgreementSign(IdempotentView):
    needs = {"POST": "manage_agreements"}

    @extend_schema(request=SignSerializer, responses=AgreementSerializer, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, agreement_id: UUID) -> Response:
        """Sign the text that has this hash; with the second party's signature it is in force."""
        agreement = access.get_agreement(agreement_id)
        actions.sign_agreement(agreement=agreement, **_parsed(SignSerializer, request.data))
        return _answer(agreement)


class AgreementTerminate(IdempotentView):
    needs = {"POST": "manage_agreements"}

    @extend_schema(request=EndSerializer, responses=AgreementSerializer, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, agreement_id: UUID) -> Response:
        """Withdraw or decline it, or end what is in force, with a reason; either party may."""
        agreement = access.get_agreement(agreement_id)
        actions.terminate_agreement(agreement=agreement, **_parsed(EndSerializer, request.data))
        return _answer(agreement)


class AgreementPreview(ActorView):
    needs = {"GET": "view_agreements"}

    @extend_schema(responses=ClausePreviewSerializer(many=True))
    def get(self, request: Request, agreement_id: UUID) -> Response:
        """What the version on the table opens, or would open: by table and, for the owner, count."""
        return _previewed(queries.current_clauses(access.get_agreement(agreement_id)))


class DraftPreview(ActorView):
    needs = {"POST": "manage_agreements"}

    @extend_schema(request=DraftSerializer, responses=ClausePreviewSerializer(many=True))
    def post(self, request: Request) -> Response:
        """What a draft would open; nothing is kept."""
        clauses = clauses_from(with_places(_parsed(DraftSerializer, request.data)["clauses"]))
        for clause in clauses:
            clause.tenant_id = access.actor().tenant_id
        return _previewed(clauses)


def _made(data: dict[str, Any]) -> Agreement:
    about = {name: data[name] for name in ("title", "purpose", "terms", "ends_at")}
    if data["kind"] == "call_off":
        framework = access.get_agreement(data["framework"])
        return actions.call_off(framework=framework, clauses=with_places(data["clauses"], framework), **about)
    partner = tenants().filter(pk=data["partner"]).first()
    if partner is None:
        raise Invalid("There is no such partner.", (FieldError("/partner", "name a listed organisation"),))
    old = access.get_agreement(data["supersedes"]) if data["supersedes"] else None
    clauses = with_places(data["clauses"])
    return actions.draft_agreement(partner=partner, kind=data["kind"], supersedes=old, clauses=clauses, **about)


def _previewed(clauses: Any) -> Response:
    return Response(ClausePreviewSerializer(preview_of(clauses), many=True).data)


def _answer(agreement: Agreement, status: int = 200) -> Response:
    found = queries.agreements().filter(pk=agreement.pk).first()
    if found is None:
        raise NotFound
    return Response(AgreementSerializer(found).data, status=status)


def _parsed(form: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    checked = form(data=data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)
