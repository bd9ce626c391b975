"""The writes of agreements. Each runs in the caller's open transaction and announces in it."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from tenants import access
from tenants.bus import announce_rights
from tenants.context import on_behalf_of
from tenants.data import Conflict, FieldError, Invalid
from tenants.models import (
    Agreement,
    AgreementVersion,
    Clause,
    Equipment,
    EquipmentGroupObjectPermission,
    Site,
    SiteGroupObjectPermission,
    Tenant,
)
from tenants.queries import partner_group
from tenants.roles import SITE_PERMISSIONS
from tenants.secrets import hash_secret

GRANTS = (SiteGroupObjectPermission, EquipmentGroupObjectPermission)


def draft_agreement(*, partner: Tenant, title: str, purpose: str, clauses: list[dict[str, Any]]) -> Agreement:
    """A draft with its clauses; each is {site | equipment, permissions, during: (from, to), …} as `Clause` has it."""
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


def activate_agreement(*, agreement: Agreement) -> int:
    """Bring it into force: write its grants and tell both parties. Returns the number of grants written."""
    _move(agreement, ("draft", "agreed"), "active", activated_at=datetime.now(UTC))
    clauses = agreement.clauses.filter(version__number=agreement.version)
    written = sum(_write_grants(agreement, clause) for clause in clauses)
    _announce("rights.agreement_activated", agreement)
    return written


def suspend_agreement(*, agreement: Agreement) -> None:
    """Close what the agreement opens, for now: the rows stay, and the policy hides them at once."""
    _move(agreement, ("active",), "suspended")
    _announce("rights.agreement_suspended", agreement)


def resume_agreement(*, agreement: Agreement) -> None:
    _move(agreement, ("suspended",), "active")
    _announce("rights.agreement_resumed", agreement)


def end_agreement(*, agreement: Agreement, reason: str) -> None:
    """End it for good: its grants are gone with this transaction. Either party may, in the owner's name."""
    with on_behalf_of(agreement.tenant_id):
        _end(agreement, reason)
    _announce("rights.agreement_ended", agreement)


def _draft(owner_id: UUID, partner_id: UUID, title: str, purpose: str, clauses: list[dict[str, Any]]) -> Agreement:
    agreement = Agreement.objects.create(
        tenant_id=owner_id, partner_id=partner_id, title=title, purpose=purpose, created_by_id=access.actor().user_id
    )
    _propose(agreement, author_id=owner_id, terms="", clauses=clauses)
    return agreement


def _propose(agreement: Agreement, *, author_id: UUID, terms: str, clauses: list[dict[str, Any]]) -> AgreementVersion:
    """The agreement's version with its clauses; its number is `agreement.version`."""
    text = _text(agreement, terms, clauses)
    version = AgreementVersion.objects.create(
        tenant_id=agreement.tenant_id,
        agreement=agreement,
        number=agreement.version,
        author_id=author_id,
        terms=terms,
        text=text,
        text_hash=hash_secret(text),
        created_by_id=access.actor().user_id,
    )
    for clause in clauses:
        _add_clause(version, **clause)
    return version


def _text(agreement: Agreement, terms: str, clauses: list[dict[str, Any]]) -> str:
    """What is signed: canonical JSON of the parties, the purpose, the terms and the clauses."""
    said = {"owner": agreement.tenant_id, "partner": agreement.partner_id, "title": agreement.title}
    return json.dumps({**said, "purpose": agreement.purpose, "terms": terms, "clauses": clauses}, default=str)


def _add_clause(
    version: AgreementVersion,
    *,
    permissions: list[str],
    during: tuple[datetime, datetime | None],
    site: Site | None = None,
    equipment: Equipment | None = None,
    **narrowed: Any,
) -> Clause:
    unknown = sorted(set(permissions) - set(SITE_PERMISSIONS))
    if unknown or not permissions:
        raise Invalid("Name the permissions of the clause.", (FieldError("/permissions", ", ".join(SITE_PERMISSIONS)),))
    if during[1] is not None and during[1] <= during[0]:
        raise Invalid("The window ends before it begins.", (FieldError("/during", "end after the beginning"),))
    return Clause.objects.create(
        tenant_id=version.tenant_id,
        agreement_id=version.agreement_id,
        version=version,
        site=site,
        equipment=equipment,
        permissions=sorted(set(permissions)),
        during=DateTimeTZRange(*during),
        **narrowed,
    )


def _end(agreement: Agreement, reason: str) -> None:
    alive = ("draft", "offered", "countered", "agreed", "active", "suspended")
    _move(agreement, alive, "terminated", ended_at=datetime.now(UTC), end_reason=reason)
    for model in GRANTS:
        model.objects.filter(tenant=agreement.tenant_id, agreement=agreement).delete()


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
            clause=clause,
            during=clause.during,
            purpose=clause.purpose,
            field_mask=clause.field_mask,
            delay_s=clause.delay_s,
            floor_n=clause.floor_n,
            group=group,
            permission=permission,
            content_object_id=clause.site_id or clause.equipment_id,
        )
        for permission in permissions
    ]
    return len(model.objects.bulk_create(rows))


def _announce(kind: str, agreement: Agreement) -> None:
    body = {"agreement": str(agreement.pk), "title": agreement.title, "status": agreement.status}
    announce_rights(kind, body, frozenset({agreement.tenant_id, agreement.partner_id}))
