"""From a credential to a person or an actor. Each look-up sees only the row whose credential was presented."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from tenants.context import presenting
from tenants.data import Actor, Unauthenticated
from tenants.models import ApiKey, Membership, User
from tenants.secrets import hash_secret


class PasswordBackend(BaseBackend):
    """Email and password; the user table is behind a wall, so each look-up presents what it looks for."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        email = (username or kwargs.get("email") or "").strip().lower()
        if not email or password is None or "\x00" in email + password:
            return None
        with presenting(credential=email):
            user = User.objects.filter(email=email).first()
        if user is None:
            User().set_password(password)  # the same time for an unknown address as for a wrong password
            return None
        return user if user.is_active and user.check_password(password) else None

    def get_user(self, user_id: Any) -> User | None:
        with presenting(user_id=user_id):
            return User.objects.filter(pk=user_id, is_active=True).first()


def memberships_of(user_id: UUID) -> list[Membership]:
    """The organisations a signed-in user may act for, oldest first."""
    with presenting(user_id=user_id):
        return list(Membership.objects.filter(user=user_id).select_related("tenant").order_by("created_at"))


def actor_of_user(user_id: UUID, tenant_id: UUID | None, via: str) -> Actor:
    """The user acting for one of their organisations; the first one if none is named."""
    for membership in memberships_of(user_id):
        if tenant_id in (None, membership.tenant_id):
            return Actor(membership.tenant_id, user_id, frozenset(membership.roles), via)
    raise Unauthenticated("You are not a member of that organisation.")


def actor_of_key(secret: str) -> Actor:
    """The member an API key acts for; Unauthenticated if it is unknown, expired or revoked, or the member is gone."""
    hashed = hash_secret(secret)
    now = datetime.now(UTC)
    with presenting(credential=hashed):
        key = ApiKey.objects.filter(secret_hash=hashed).first()
        if key is None or key.revoked_at or key.expires_at <= now:
            raise Unauthenticated("This API key is unknown, expired or revoked. Make a new one in your organisation.")
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    person = actor_of_user(key.user_id, key.tenant_id, f"key:{key.prefix}")
    return Actor(person.tenant_id, person.user_id, person.roles, person.via, frozenset(key.scopes))
