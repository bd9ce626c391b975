"""Delegation, explanation and the access matrix over HTTP: parse, one action or query, render."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.models import Clause
from tenants.rest.base import ActorView, ListView
from tenants.rest.files import CSV, FileView, answers, file_answer
from tenants.sharing import actions, queries
from tenants.sharing.access import get_received_agreement
from tenants.sharing.explain import explain
from tenants.sharing.serializers import (
    AccessExplanationSerializer,
    DelegationSerializer,
    ExplainQuerySerializer,
    MatrixFilterSerializer,
    MatrixRowSerializer,
    delegation_body,
)
from tenants.sharing.table import as_csv
from tenants.sharing.words import summary_of


class DelegationDetail(ActorView):
    """Who of your organisation uses what an agreement opens to it."""

    needs = {"GET": "view_agreements", "PUT": "manage_members", "DELETE": "manage_members"}

    @extend_schema(responses=DelegationSerializer)
    def get(self, request: Request, agreement_id: UUID) -> Response:
        agreement = get_received_agreement(agreement_id, needs="view_agreements")
        return Response(delegation_body(queries.delegation_of(agreement)))

    @extend_schema(request=DelegationSerializer, responses=DelegationSerializer)
    def put(self, request: Request, agreement_id: UUID) -> Response:
        """These roles and these members use it, and nobody else; both lists empty: nobody."""
        agreement = get_received_agreement(agreement_id, needs="manage_members")
        wish = _parsed(DelegationSerializer, request.data)
        actions.delegate(agreement=agreement, **wish)
        return Response(delegation_body(queries.delegation_of(agreement)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, agreement_id: UUID) -> Response:
        """Everybody uses it again, as far as their role goes."""
        actions.clear_delegation(agreement=get_received_agreement(agreement_id, needs="manage_members"))
        return Response(status=204)


class ExplainView(ActorView):
    needs = {"GET": "view_agreements"}

    @extend_schema(parameters=[ExplainQuerySerializer], responses=AccessExplanationSerializer)
    def get(self, request: Request) -> Response:
        """Who may see an object of yours, and why; or why you may see one of a partner's, or not. Send `X-Purpose`."""
        asked = _parsed(ExplainQuerySerializer, request.query_params)
        found = explain(asked["object"], partner=asked["tenant"])
        body = {
            "object": f"{found.kind}:{found.id}",
            "owner_id": found.owner_id,
            "side": "owner" if found.is_own else "partner",
            "permissions": found.permissions,
            "own_roles": found.roles if found.is_own else (),
            "may": bool(found.in_force),
            "words": summary_of(found),
            "ways": found.ways,
        }
        return Response(AccessExplanationSerializer(body).data)


class MatrixList(ListView):
    """Place by partner: what is open, by which agreement, until when and how narrowed; newest clause first."""

    needs = {"GET": "view_agreements"}
    serializer_class = MatrixRowSerializer
    queryset = Clause.objects.none()  # names the model to the schema's generator, which has no identity

    def get_queryset(self) -> QuerySet[Clause]:
        return queries.clauses(**_parsed(MatrixFilterSerializer, self.request.query_params))

    @extend_schema(parameters=[MatrixFilterSerializer], responses=MatrixRowSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)


class MatrixCsv(FileView):
    needs = {"GET": "view_agreements"}

    @extend_schema(parameters=[MatrixFilterSerializer], responses=answers(CSV))
    def get(self, request: Request) -> HttpResponse:
        """The same as a table: a line for each place, partner and permission."""
        found = queries.clauses(**_parsed(MatrixFilterSerializer, request.query_params))
        return file_answer(as_csv(found), CSV, "access-matrix.csv")


def _parsed(form: type[Any], data: Any) -> dict[str, Any]:
    parsed = form(data=data)
    parsed.is_valid(raise_exception=True)
    return dict(parsed.validated_data)
