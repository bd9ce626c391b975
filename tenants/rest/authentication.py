"""Session or API key → `request.auth` is an `Actor`; `request.user` the person (None for a program without one)."""

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication
from rest_framework.request import Request

from tenants.authentication import actor_of_key, actor_of_user
from tenants.data import Actor, Unauthenticated, stated_purpose
from tenants.secrets import hash_secret

TENANT_HEADER: Final = "X-Tenant"
PURPOSES: Final = "purposes"


def session_name(request: Any) -> str:
    """How audit rows name the session: never by its key."""
    return f"session:{hash_secret(request.session.session_key or '')[:12]}"


def actor_of_session(request: Any, user_id: UUID) -> Actor:
    """The signed-in user acting for the organisation that `X-Tenant` names, else for the one chosen at login.

    For the purpose that the session has stated for that organisation, if any.
    """
    wanted = request.headers.get(TENANT_HEADER) or request.session.get("tenant_id")
    actor = actor_of_user(user_id, wanted, session_name(request))
    return replace(actor, purpose=request.session.get(PURPOSES, {}).get(str(actor.tenant_id), ""))


def state_purpose(request: Any, tenant_id: UUID, purpose: str) -> None:
    """What the session works for from its next request on, for one organisation; '' for nothing in particular."""
    request.session[PURPOSES] = {**request.session.get(PURPOSES, {}), str(tenant_id): stated_purpose(purpose)}


class SessionAuthentication(authentication.SessionAuthentication):
    """Django's session with its CSRF check; the organisation is that of `X-Tenant`, else the one chosen at login."""

    def authenticate(self, request: Request) -> tuple[Any, Actor] | None:
        signed_in = super().authenticate(request)
        if signed_in is None:
            return None
        user = signed_in[0]
        return user, actor_of_session(request, user.pk)

    def authenticate_header(self, request: Request) -> str:
        return "Session"


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Api-Key cmk_…`"""

    def authenticate(self, request: Request) -> tuple[None, Actor] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "api-key":
            return None
        if not secret.strip().startswith("cmk_"):
            raise Unauthenticated("The header must read 'Authorization: Api-Key cmk_…'.")
        actor = actor_of_key(secret.strip())
        wanted = request.headers.get(TENANT_HEADER)
        # A key is of one organisation, so the header can only confirm it.
        if wanted and actor.user_id and actor_of_user(actor.user_id, wanted, actor.via).tenant_id != actor.tenant_id:
            raise Unauthenticated("You are not a member of that organisation.")
        return None, actor

    def authenticate_header(self, request: Request) -> str:
        return "Api-Key"


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Api-Key cmk_…`"}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = SessionAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
