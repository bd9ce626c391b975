"""The writes of tenants. Each runs in the caller's open transaction and announces in it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from tenants import access
from tenants.bus import announce
from tenants.context import on_behalf_of
from tenants.data import Conflict, Event, FieldError, Invalid
from tenants.models import (
    Agreement,
    ApiKey,
    Clause,
    Equipment,
    EquipmentGroupObjectPermission,
    FeedTicket,
    Membership,
    Site,
    SiteGroupObjectPermission,
    Tenant,
    User,
)
from tenants.queries import partner_group
from tenants.roles import CAPABILITIES, ROLES, SITE_PERMISSIONS
from tenants.secrets import hash_secret, new_secret


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


def register_site(*, code: str, name: str, kind: str, mine: Site | None = None, time_zone: str = "UTC") -> Site:
    owner = access.require("manage")
    return Site.objects.create(
        tenant_id=owner.tenant_id, code=code, name=name, kind=kind, mine=mine, time_zone=time_zone
    )


def register_equipment(*, site: Site, code: str, name: str, kind: str) -> Equipment:
    owner = access.require("manage")
    return Equipment.objects.create(tenant_id=owner.tenant_id, site=site, code=code, name=name, kind=kind)


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
    _announce_rights("rights.key_revoked", {"prefix": key.prefix}, frozenset())


def draft_agreement(*, partner: Tenant, title: str, purpose: str, clauses: list[dict[str, Any]]) -> Agreement:
    """A draft with its clauses; each is {site | equipment, permissions, during: (from, to)}."""
    owner = access.require("manage_agreements")
    if partner.pk == owner.tenant_id:
        raise Invalid("An agreement is between two organisations.", (FieldError("/partner", "name another one"),))
    return _draft(owner.tenant_id, partner.pk, title, purpose, clauses)


def agree_by_offer(
    *, owner_id: UUID, partner_id: UUID, title: str, purpose: str, clauses: list[dict[str, Any]]
) -> Agreement:
    """The agreement that follows from an owner's published offer once the partner takes it up, in force at once."""
    with on_behalf_of(owner_id):
        agreement = _draft(owner_id, partner_id, title, purpose, clauses)
        activate_agreement(agreement=agreement)
    return agreement


def add_clause(
    *,
    agreement: Agreement,
    permissions: list[str],
    during: tuple[datetime, datetime | None],
    site: Site | None = None,
    equipment: Equipment | None = None,
) -> Clause:
    unknown = sorted(set(permissions) - set(SITE_PERMISSIONS))
    if unknown or not permissions:
        raise Invalid("Name the permissions of the clause.", (FieldError("/permissions", ", ".join(SITE_PERMISSIONS)),))
    if during[1] is not None and during[1] <= during[0]:
        raise Invalid("The window ends before it begins.", (FieldError("/during", "end after the beginning"),))
    if agreement.clauses.filter(site=site, equipment=equipment).exists():
        raise Invalid(
            "Two clauses open the same object; put its permissions in one.", (FieldError("/clauses", "merge"),)
        )
    return Clause.objects.create(
        tenant_id=agreement.tenant_id,
        agreement=agreement,
        site=site,
        equipment=equipment,
        permissions=sorted(set(permissions)),
        during=DateTimeTZRange(*during),
    )


def activate_agreement(*, agreement: Agreement) -> int:
    """Bring a draft into force: write its grants and tell both parties. Returns the number of grants written."""
    now = datetime.now(UTC)
    _move(agreement, ("draft",), "active", activated_at=now)
    written = sum(_write_grants(agreement, clause) for clause in agreement.clauses.all())
    _announce_agreement("rights.agreement_activated", agreement)
    return written


def suspend_agreement(*, agreement: Agreement) -> None:
    """Close what the agreement opens, for now: the rows stay, and the policy hides them at once."""
    _move(agreement, ("active",), "suspended")
    _announce_agreement("rights.agreement_suspended", agreement)


def resume_agreement(*, agreement: Agreement) -> None:
    _move(agreement, ("suspended",), "active")
    _announce_agreement("rights.agreement_resumed", agreement)


def end_agreement(*, agreement: Agreement, reason: str) -> None:
    """End it for good: its grants are gone with this transaction. Either party may, in the owner's name."""
    with on_behalf_of(agreement.tenant_id):
        _end(agreement, reason)
    _announce_agreement("rights.agreement_ended", agreement)


def _draft(owner_id: UUID, partner_id: UUID, title: str, purpose: str, clauses: list[dict[str, Any]]) -> Agreement:
    agreement = Agreement.objects.create(
        tenant_id=owner_id, partner_id=partner_id, title=title, purpose=purpose, created_by_id=access.actor().user_id
    )
    for clause in clauses:
        add_clause(agreement=agreement, **clause)
    return agreement


def _end(agreement: Agreement, reason: str) -> None:
    _move(agreement, ("draft", "active", "suspended"), "ended", ended_at=datetime.now(UTC), end_reason=reason)
    for model in (SiteGroupObjectPermission, EquipmentGroupObjectPermission):
        model.objects.filter(tenant=agreement.tenant_id, agreement=agreement).delete()


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
        expires_at=valid_until,
    )
    return secret


def _move(agreement: Agreement, sources: tuple[str, ...], target: str, **changes: object) -> None:
    moved = Agreement.objects.filter(pk=agreement.pk, status__in=sources).update(status=target, **changes)
    if not moved:
        raise Conflict(f"The agreement is not {' or '.join(sources)} any more; read it again.")
    agreement.refresh_from_db()


def _write_grants(agreement: Agreement, clause: Clause) -> int:
    on_site = clause.site_id is not None
    model = SiteGroupObjectPermission if on_site else EquipmentGroupObjectPermission
    kind = ContentType.objects.get_for_model(Site if on_site else Equipment)
    group = partner_group(agreement.partner_id)
    permissions = Permission.objects.filter(content_type=kind, codename__in=clause.permissions)
    rows = [
        model(
            tenant_id=agreement.tenant_id,
            grantee_id=agreement.partner_id,
            agreement=agreement,
            during=clause.during,
            group=group,
            permission=permission,
            content_object_id=clause.site_id or clause.equipment_id,
        )
        for permission in permissions
    ]
    return len(model.objects.bulk_create(rows))


def _announce_agreement(kind: str, agreement: Agreement) -> None:
    body = {"agreement": str(agreement.pk), "title": agreement.title, "status": agreement.status}
    _announce_rights(kind, body, frozenset({agreement.tenant_id, agreement.partner_id}))


def _announce_rights(kind: str, body: dict[str, object], to: frozenset[UUID]) -> None:
    announce(Event(kind=kind, body=body, permission="view_agreements", to=to))
