"""From a credential to a person or an actor. Each look-up sees only the row whose credential was presented."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password
from django.db.models.functions import Now
from django.http import HttpRequest

from tenants.context import identify, presenting
from tenants.data import Actor, Unauthenticated
from tenants.models import ApiKey, FeedTicket, Membership, User
from tenants.roles import CLOSING_ROLES
from tenants.secrets import hash_secret

# A key in steady use would else be one row rewritten by every request.
USE_NOTED_EACH: Final = timedelta(minutes=1)


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
        if not (user.is_active and user.service_of_id is None and _matches(user, password)):
            return None
        identify(user.pk)
        return user

    def get_user(self, user_id: Any) -> User | None:
        with presenting(user_id=user_id):
            return User.objects.filter(pk=user_id, is_active=True).first()


def _matches(user: User, password: str) -> bool:
    """Checks, and hashes anew where the hasher's settings have grown, which the wall lets only the user do."""

    def renew(raw: str) -> None:
        user.set_password(raw)
        with presenting(user_id=user.pk):
            User.objects.filter(pk=user.pk).update(password=user.password)

    return check_password(password, user.password, renew)


def memberships_of(user_id: UUID) -> list[Membership]:
    """The organisations a signed-in user may act for, oldest first."""
    with presenting(user_id=user_id):
        return _memberships(user_id)


def _memberships(user_id: UUID) -> list[Membership]:
    active = Membership.objects.filter(user=user_id, user__is_active=True)
    return list(active.select_related("tenant").order_by("created_at"))


def actor_of_user(user_id: UUID, wanted: UUID | str | None, via: str) -> Actor:
    """The user acting for one of their organisations, named by id or slug; the first one if none is named."""
    return _actor_of(memberships_of(user_id), wanted, via)


def _actor_of(memberships: list[Membership], wanted: UUID | str | None, via: str) -> Actor:
    for membership in memberships:
        if wanted is None or str(wanted) in (str(membership.tenant_id), membership.tenant.slug):
            return Actor(membership.tenant_id, membership.user_id, _roles_in_force(membership), via)
    raise Unauthenticated("You are not a member of that organisation.")


def _roles_in_force(membership: Membership) -> frozenset[str]:
    if membership.tenant.closing_at is None:
        return frozenset(membership.roles)
    return frozenset(CLOSING_ROLES if "owner" in membership.roles else ())


def actor_of_key(secret: str) -> Actor:
    """The member an API key acts for; Unauthenticated if it is unknown, expired or revoked, or the member is gone."""
    hashed = hash_secret(secret)
    now = datetime.now(UTC)
    with presenting(credential=hashed):
        key = ApiKey.objects.filter(secret_hash=hashed).first()
        if key is None or key.revoked_at or key.expires_at <= now:
            raise Unauthenticated("This API key is unknown, expired or revoked. Make a new one in your organisation.")
        if key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EACH:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        identify(key.user_id)  # within one transaction: a request by key would else begin a third one
        person = _actor_of(_memberships(key.user_id), key.tenant_id, f"key:{key.prefix}")
    return replace(person, scopes=frozenset(key.scopes))


def actor_of_ticket(secret: str) -> Actor:
    """Who was given a feed ticket; it is used up by this. Unauthenticated if it is unknown, expired or used."""
    hashed = hash_secret(secret)
    with presenting(credential=hashed):
        # One statement decides, so of two sockets that present the same ticket one gets in.
        won = FeedTicket.objects.filter(secret_hash=hashed, used_at=None, expires_at__gt=Now()).update(used_at=Now())
        ticket = FeedTicket.objects.get(secret_hash=hashed) if won else None
    if ticket is None:
        raise Unauthenticated("This ticket is unknown, expired or used. Ask for a new one.")
    person = actor_of_user(ticket.user_id, ticket.tenant_id, ticket.via)
    scopes = None if ticket.scopes is None else frozenset(ticket.scopes)
    return replace(person, scopes=scopes, purpose=ticket.purpose)
