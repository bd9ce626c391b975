"""People and programs over HTTP: parse, one action or query, render."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import access, actions
from tenants import queries as tenancy
from tenants.data import FieldError, Invalid
from tenants.models import ApiKey
from tenants.people import actions as people
from tenants.people import queries
from tenants.people.access import get_invitation, get_member, get_service_account
from tenants.people.mail import mail_invitation
from tenants.people.serializers import (
    ApiKeySerializer,
    InvitationSerializer,
    MembershipSerializer,
    NewApiKeySerializer,
    NewRolesSerializer,
    RoleSerializer,
    RotationSerializer,
    ServiceAccountSerializer,
)
from tenants.rest.base import ActorView, ListView
from tenants.roles import ROLES


class RoleList(ActorView):
    """The permission matrix: what each role allows inside its organisation."""

    needs = {"GET": "view_registry"}

    @extend_schema(responses=RoleSerializer(many=True))
    def get(self, request: Request) -> Response:
        rows = [{"role": role, "capabilities": sorted(rights)} for role, rights in ROLES.items()]
        return Response(RoleSerializer(rows, many=True).data)


class MemberList(ListView):
    needs = {"GET": "view_registry"}
    serializer_class = MembershipSerializer
    rows = staticmethod(tenancy.members)


class MemberRoles(ActorView):
    needs = {"POST": "manage_members"}

    @extend_schema(request=NewRolesSerializer, responses=MembershipSerializer)
    def post(self, request: Request, membership_id: UUID) -> Response:
        membership = get_member(membership_id)
        form = NewRolesSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        people.change_roles(membership=membership, roles=form.validated_data["roles"])
        return Response(MembershipSerializer(get_member(membership_id)).data)


class MemberRemove(ActorView):
    needs = {"POST": "manage_members"}

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, membership_id: UUID) -> Response:
        people.remove_member(membership=get_member(membership_id))
        return Response(status=204)


class InvitationList(ListView):
    needs = {"GET": "manage_members", "POST": "manage_members"}
    serializer_class = InvitationSerializer
    rows = staticmethod(queries.invitations)

    @extend_schema(request=InvitationSerializer, responses={201: InvitationSerializer})
    def post(self, request: Request) -> Response:
        invitation, token = people.invite_member(**self.parsed(request))
        mail_invitation(invitation, request.build_absolute_uri(reverse("accept-invitation", args=[token])))
        return Response(InvitationSerializer(invitation).data, status=201)


class InvitationRevoke(ActorView):
    needs = {"POST": "manage_members"}

    @extend_schema(request=None, responses=InvitationSerializer)
    def post(self, request: Request, invitation_id: UUID) -> Response:
        people.revoke_invitation(invitation=get_invitation(invitation_id))
        return Response(InvitationSerializer(get_invitation(invitation_id)).data)


class ServiceAccountList(ListView):
    needs = {"GET": "manage_members", "POST": "manage_members"}
    serializer_class = ServiceAccountSerializer
    rows = staticmethod(queries.service_accounts)

    @extend_schema(request=ServiceAccountSerializer, responses={201: ServiceAccountSerializer})
    def post(self, request: Request) -> Response:
        data = self.parsed(request)
        account = people.found_service_account(
            name=data["user"]["name"], roles=data["roles"], purpose=data.get("purpose", "")
        )
        return Response(ServiceAccountSerializer(get_service_account(account.pk)).data, status=201)


class ServiceAccountRetire(ActorView):
    needs = {"POST": "manage_members"}

    @extend_schema(request=None, responses=ServiceAccountSerializer)
    def post(self, request: Request, account_id: UUID) -> Response:
        people.retire_service_account(account=get_service_account(account_id))
        return Response(ServiceAccountSerializer(get_service_account(account_id)).data)


class ApiKeyList(ListView):
    needs = {"GET": "manage_keys", "POST": "manage_keys"}
    serializer_class = ApiKeySerializer
    rows = staticmethod(tenancy.api_keys)

    def get_queryset(self) -> QuerySet[ApiKey]:
        keys = super().get_queryset()
        state, member = self.request.query_params.get("state"), self.request.query_params.get("member")
        if state is not None and state not in queries.STATES:
            raise Invalid("There is no such state.", (FieldError("/state", f"use {', '.join(queries.STATES)}"),))
        if state is not None:
            keys = queries.keys_in(keys, state)
        return keys if member is None else keys.filter(user=_uuid(member))

    @extend_schema(
        parameters=[
            OpenApiParameter("state", str, enum=list(queries.STATES), description="Keys that stand so only."),
            OpenApiParameter("member", UUID, description="Keys that act as this user only."),
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=ApiKeySerializer, responses={201: NewApiKeySerializer})
    def post(self, request: Request) -> Response:
        data = self.parsed(request)
        named = data.pop("service_account", None)
        account = get_service_account(named, needs="manage_keys") if named else None
        return _with_secret(*actions.make_api_key(**data, account=account))


class ApiKeyRotate(ActorView):
    needs = {"POST": "manage_keys"}

    @extend_schema(request=RotationSerializer, responses={201: NewApiKeySerializer})
    def post(self, request: Request, key_id: UUID) -> Response:
        key = access.get_api_key(key_id)
        form = RotationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return _with_secret(*actions.rotate_api_key(key=key, **form.validated_data))


class ApiKeyRevoke(ActorView):
    needs = {"POST": "manage_keys"}

    @extend_schema(request=None, responses=ApiKeySerializer)
    def post(self, request: Request, key_id: UUID) -> Response:
        key = access.get_api_key(key_id)
        actions.revoke_api_key(key=key)
        key.refresh_from_db()
        return Response(ApiKeySerializer(key).data)


def _with_secret(key: ApiKey, secret: str) -> Response:
    return Response({**ApiKeySerializer(key).data, "secret": secret}, status=201)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("This is no id of a member.", (FieldError("/member", "give a UUID"),)) from None
