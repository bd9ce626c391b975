"""The writes of tenants. Each runs in the caller's open transaction and announces in it."""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import Group

from tenants import access
from tenants.bus import announce_rights
from tenants.data import Conflict, FieldError, Invalid
from tenants.ledger.actions import enter
from tenants.models import ApiKey, FeedTicket, Membership, ServiceAccount, Tenant, User
from tenants.organisation.actions import register_equipment, register_site
from tenants.queries import members, partner_group
from tenants.roles import ROLES, capabilities_of
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


def make_api_key(
    *, name: str, scopes: list[str], expires_at: datetime, account: ServiceAccount | None = None
) -> tuple[ApiKey, str]:
    """A key within `scopes` that acts as its maker, or as a service account; the secret is shown only now."""
    maker = access.require("manage_keys")
    user_id, roles = (maker.user_id, maker.roles) if account is None else (account.user_id, _roles_of(account))
    allowed = capabilities_of(roles)
    beyond = sorted(scope for scope in scopes if not (maker.can(scope) and scope in allowed))
    if beyond:
        raise Invalid(f"You can't give a key the scope {beyond[0]!r}.", (FieldError("/scopes", "not yours to give"),))
    if expires_at <= datetime.now(UTC):
        raise Invalid("The key would have expired already.", (FieldError("/expires_at", "give a time to come"),))
    secret = new_secret("cmk")
    key = ApiKey.objects.create(
        tenant_id=maker.tenant_id,
        user_id=user_id,
        made_by_id=maker.user_id,
        name=name,
        prefix=secret[:10],
        secret_hash=hash_secret(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    acts_as = {"user": user_id, "scopes": key.scopes, "expires_at": expires_at}
    enter(kind="key.made", subject=key.pk, payload={"name": name, "prefix": key.prefix, **acts_as})
    return key, secret


def rotate_api_key(*, key: ApiKey, expires_at: datetime, keep_s: int) -> tuple[ApiKey, str]:
    """A new key in place of `key`, which opens for `keep_s` more seconds, so that programs can change over."""
    maker = access.require("manage_keys")
    now = datetime.now(UTC)
    if key.revoked_at or key.expires_at <= now:
        raise Conflict("This key is revoked or expired already; make a new one.")
    account = ServiceAccount.objects.filter(user=key.user_id).first()
    if account is None and key.user_id != maker.user_id:
        raise Conflict("This key acts as another member, so only they can replace it. You can revoke it.")
    fresh, secret = make_api_key(name=key.name, scopes=key.scopes, expires_at=expires_at, account=account)
    ApiKey.objects.filter(pk=fresh.pk).update(replaces=key)
    ApiKey.objects.filter(pk=key.pk).update(expires_at=min(key.expires_at, now + timedelta(seconds=keep_s)))
    fresh.replaces = key
    enter(kind="key.replaced", subject=key.pk, payload={"prefix": key.prefix, "by": fresh.pk})
    announce_rights("rights.key_rotated", {"prefix": key.prefix}, frozenset())
    return fresh, secret


def _roles_of(account: ServiceAccount) -> frozenset[str]:
    """Nothing for a retired one."""
    return frozenset(*members().filter(user=account.user_id).values_list("roles", flat=True))


def revoke_api_key(*, key: ApiKey) -> None:
    """From the commit on, the key opens nothing, and sockets opened with it are closed."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=datetime.now(UTC)):
        enter(kind="key.revoked", subject=key.pk, payload={"name": key.name, "prefix": key.prefix})
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
