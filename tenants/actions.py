"""The writes of tenants. Each runs in the caller's open transaction and announces in it."""

from datetime import UTC, datetime

from django.contrib.auth.models import Group

from tenants import access
from tenants.bus import announce_rights
from tenants.data import FieldError, Invalid
from tenants.models import ApiKey, FeedTicket, Membership, Tenant, User
from tenants.organisation.actions import register_equipment, register_site
from tenants.queries import partner_group
from tenants.roles import CAPABILITIES, ROLES
from tenants.secrets import hash_secret, new_secret

__all__ = [
    "admit_member",
    "found_tenant",
    "issue_ticket",
    "make_api_key",
    "register_equipment",
    "register_site",
    "revoke_api_key",
]


def found_tenant(*, slug: str, name: str, kind: str, currency: str = "USD", time_zone: str = "UTC") -> Tenant:
    """Found an organisation with the group that its partners' grants name. Platform operators only (`as_platform`)."""
    tenant = Tenant.objects.create(slug=slug, name=name, kind=kind, currency=currency, time_zone=time_zone)
    Group.objects.create(name=str(tenant.pk))
    return tenant


def admit_member(*, tenant: Tenant, user: User, roles: list[str]) -> Membership:
    """Make a user a member with roles, and one of the group through which grants reach the organisation."""
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise Invalid(f"Unknown role {unknown[0]!r}.", (FieldError("/roles", f"use {', '.join(ROLES)}"),))
    membership = Membership.objects.create(tenant=tenant, user=user, roles=roles)
    user.groups.add(partner_group(tenant.pk))
    return membership


def make_api_key(*, name: str, scopes: list[str], expires_at: datetime) -> tuple[ApiKey, str]:
    """A key that acts as its maker within `scopes`; returns the row and the secret, which is shown only now."""
    maker = access.require("manage_keys")
    beyond = sorted(set(scopes) - CAPABILITIES) or sorted(scope for scope in scopes if not maker.can(scope))
    if beyond:
        raise Invalid(f"You can't give a key the scope {beyond[0]!r}.", (FieldError("/scopes", "not yours to give"),))
    if expires_at <= datetime.now(UTC):
        raise Invalid("The key would have expired already.", (FieldError("/expires_at", "give a time to come"),))
    secret = new_secret("cmk")
    key = ApiKey.objects.create(
        tenant_id=maker.tenant_id,
        user_id=maker.user_id,
        name=name,
        prefix=secret[:10],
        secret_hash=hash_secret(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    return key, secret


def revoke_api_key(*, key: ApiKey) -> None:
    """From the commit on, the key opens nothing, and sockets opened with it are closed."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=datetime.now(UTC))
    announce_rights("rights.key_revoked", {"prefix": key.prefix}, frozenset())


def issue_ticket(*, valid_until: datetime) -> str:
    """A single-use secret with which the actor opens one websocket."""
    holder = access.require("view_registry")
    secret = new_secret("cmt")
    FeedTicket.objects.filter(tenant=holder.tenant_id, expires_at__lt=datetime.now(UTC)).delete()
    FeedTicket.objects.create(
        tenant_id=holder.tenant_id,
        user_id=holder.user_id,
        secret_hash=hash_secret(secret),
        via=holder.via,
        scopes=None if holder.scopes is None else sorted(holder.scopes),
        purpose=holder.purpose,
        expires_at=valid_until,
    )
    return secret
