"""Rows that an agreement consists of: itself, the texts of its versions with their clauses, signatures."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections

from tenants.agreements.clauses import clauses_from
from tenants.agreements.data import Heading
from tenants.agreements.grants import grants_of
from tenants.agreements.lifecycle import State
from tenants.agreements.steps import now
from tenants.agreements.text import hash_of, text_of
from tenants.context import opened
from tenants.models import Agreement, AgreementVersion, Clause, Signature, Tenant
from tenants.names import own_names
from tenants.rows import as_json, columns_of

Wishes = Sequence[dict[str, Any]]


def drafted(
    owner_id: UUID,
    partner_id: UUID,
    *,
    partner_name: str,
    clauses: Wishes,
    about: dict[str, Any],
    terms: str = "",
    author_id: UUID | None = None,
) -> Agreement:
    """The row of a new agreement and its first version; `about` holds its other columns. Whoever calls it may do so."""
    rows = clauses_from(clauses)
    agreement = composed(owner_id, partner_id, Tenant.objects.get(pk=owner_id).name, partner_name, about)
    agreement.save(force_insert=True)
    author = author_id or owner_id
    write_version(composed_version(agreement, number=1, author_id=author, terms=terms, clauses=rows), rows)
    return agreement


def composed(owner_id: UUID, partner_id: UUID, owner_name: str, partner_name: str, about: dict[str, Any]) -> Agreement:
    """A row that is not written yet."""
    parties = {"partner_id": partner_id, "owner_name": owner_name, "partner_name": partner_name}
    return Agreement(tenant_id=owner_id, created_by_id=_acting_user(), **parties, **about)


def write_version(version: AgreementVersion, clauses: Sequence[Clause]) -> AgreementVersion:
    version.save(force_insert=True)
    Clause.objects.bulk_create(clauses)
    return version


def composed_version(
    agreement: Agreement,
    *,
    number: int,
    author_id: UUID,
    clauses: Sequence[Clause],
    terms: str = "",
    heading: Heading | None = None,
    offered_at: datetime | None = None,
) -> AgreementVersion:
    """The text of one version with its clauses, not written yet; what `heading` leaves out is as before."""
    kept: Heading = {"title": agreement.title, "purpose": agreement.purpose, "ends_at": agreement.ends_at}
    version = AgreementVersion(
        tenant_id=agreement.tenant_id,
        agreement=agreement,
        number=number,
        author_id=author_id,
        terms=terms,
        created_by_id=_acting_user(),
        offered_at=offered_at,
        **kept | (heading or {}),
    )
    version.text = text_of(version, clauses)
    version.text_hash = hash_of(version.text)
    for clause in clauses:
        clause.tenant_id, clause.agreement, clause.version = agreement.tenant_id, agreement, version
    return version


def signature_of(
    version: AgreementVersion, party_id: UUID, user_id: UUID | None, via: str, user_name: str
) -> Signature:
    """Of a user whom the open transaction can name; of nobody's, if it can't."""
    return Signature(
        tenant_id=version.tenant_id,
        agreement_id=version.agreement_id,
        version=version,
        party_id=party_id,
        user_id=user_id if user_name else None,
        user_name=user_name,
        via=via,
        text_hash=version.text_hash,
    )


def who() -> tuple[UUID | None, str, str]:
    """The user of the open transaction, its credential and the user's name; none for the platform."""
    actor = opened().actor
    return (actor.user_id, actor.via, own_names().user) if actor else (None, "platform", "")


def write_in_force(
    version: AgreementVersion, clauses: Sequence[Clause], signatures: Sequence[Signature], target: State
) -> None:
    """An agreement that is in force at once, with all that it consists of, in one statement."""
    agreement, at = version.agreement, now()
    agreement.created_at = version.offered_at = at
    offer = {
        "agreement": columns_of(agreement),
        "version": columns_of(version),
        "clauses": [columns_of(clause) for clause in clauses],
        "signatures": [columns_of(signature) for signature in signatures],
        "grants": list(grants_of(agreement, clauses)),
        "status": target,
        "at": at,
    }
    with connections[opened().alias].cursor() as cursor:
        cursor.execute("SELECT wall.agree(%s)", [as_json(offer)])
    agreement.status, agreement.activated_at, agreement.offered_at = target, at, at
    agreement._state.adding = False


def _acting_user() -> UUID | None:
    actor = opened().actor
    return None if actor is None else actor.user_id
