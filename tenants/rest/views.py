"""Organisations, sites, equipment, agreements and keys over HTTP: parse, one action or query, render."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import access, actions, queries
from tenants.agreements import actions as agreeing
from tenants.data import FieldError, Invalid
from tenants.models import Tenant
from tenants.rest.base import ActorView, ListView
from tenants.rest.serializers import (
    AgreementSerializer,
    ApiKeySerializer,
    EndSerializer,
    IdentitySerializer,
    MembershipSerializer,
    NewApiKeySerializer,
    TenantSerializer,
)
from tenants.roles import CAPABILITIES


class IdentityView(ActorView):
    needs = {"GET": "view_registry"}

    @extend_schema(responses=IdentitySerializer)
    def get(self, request: Request) -> Response:
        actor = access.actor()
        member = queries.members().filter(user=actor.user_id).first()
        body = {
            "tenant": Tenant.objects.get(pk=actor.tenant_id),
            "user": member.user.email if member else None,
            "roles": sorted(actor.roles),
            "capabilities": sorted(name for name in CAPABILITIES if actor.can(name)),
            "via": actor.via,
        }
        return Response(IdentitySerializer(body).data)


class TenantList(ListView):
    needs = {"GET": "view_registry"}
    serializer_class = TenantSerializer
    rows = staticmethod(queries.tenants)


class MemberList(ListView):
    needs = {"GET": "view_registry"}
    serializer_class = MembershipSerializer
    rows = staticmethod(queries.members)


class AgreementList(ListView):
    needs = {"GET": "view_agreements", "POST": "manage_agreements"}
    serializer_class = AgreementSerializer
    rows = staticmethod(queries.agreements)

    @extend_schema(request=AgreementSerializer, responses={201: AgreementSerializer})
    def post(self, request: Request) -> Response:
        data = self.parsed(request)
        partner = queries.tenants().filter(pk=data["partner_id"]).first()
        if partner is None:
            raise Invalid("There is no such partner.", (FieldError("/partner", "name a listed organisation"),))
        agreement = agreeing.draft_agreement(
            partner=partner,
            title=data["title"],
            purpose=data["purpose"],
            clauses=[_clause(clause) for clause in data["clauses"]],
        )
        return Response(AgreementSerializer(agreement).data, status=201)


class AgreementDetail(ActorView):
    needs = {"GET": "view_agreements"}

    @extend_schema(responses=AgreementSerializer)
    def get(self, request: Request, agreement_id: UUID) -> Response:
        return Response(AgreementSerializer(access.get_agreement(agreement_id)).data)


class AgreementMove(ActorView):
    """POST moves the agreement: activate, suspend, resume."""

    needs = {"POST": "manage_agreements"}
    moves: ClassVar[dict[str, Any]] = {
        "activate": agreeing.activate_agreement,
        "suspend": agreeing.suspend_agreement,
        "resume": agreeing.resume_agreement,
    }
    move = ""

    @extend_schema(request=None, responses=AgreementSerializer)
    def post(self, request: Request, agreement_id: UUID) -> Response:
        agreement = access.get_agreement(agreement_id, needs="manage_agreements")
        self.moves[self.move](agreement=agreement)
        return Response(AgreementSerializer(agreement).data)


class AgreementEnd(ActorView):
    """The owner ends it; the partner may leave it."""

    needs = {"POST": "manage_agreements"}

    @extend_schema(request=EndSerializer, responses=AgreementSerializer)
    def post(self, request: Request, agreement_id: UUID) -> Response:
        form = EndSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        agreement = access.get_agreement(agreement_id)
        agreeing.end_agreement(agreement=agreement, reason=form.validated_data["reason"])
        return Response(AgreementSerializer(agreement).data)


class ApiKeyList(ListView):
    needs = {"GET": "manage_keys", "POST": "manage_keys"}
    serializer_class = ApiKeySerializer
    rows = staticmethod(queries.api_keys)

    @extend_schema(request=ApiKeySerializer, responses={201: NewApiKeySerializer})
    def post(self, request: Request) -> Response:
        key, secret = actions.make_api_key(**self.parsed(request))
        return Response({**ApiKeySerializer(key).data, "secret": secret}, status=201)


class ApiKeyRevoke(ActorView):
    needs = {"POST": "manage_keys"}

    @extend_schema(request=None, responses=ApiKeySerializer)
    def post(self, request: Request, key_id: UUID) -> Response:
        key = access.get_api_key(key_id)
        actions.revoke_api_key(key=key)
        key.refresh_from_db()
        return Response(ApiKeySerializer(key).data)


def _clause(data: dict[str, Any]) -> dict[str, Any]:
    site_id, equipment_id = data.get("site_id"), data.get("equipment_id")
    return {
        "site": access.get_own_site(site_id, needs="manage") if site_id else None,
        "equipment": access.get_own_equipment(equipment_id, needs="manage") if equipment_id else None,
        "permissions": data["permissions"],
        "during": (data["during"]["lower"], data["during"]["upper"]),
    }
