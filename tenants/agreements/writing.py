"""Rows that an agreement consists of: itself, the texts of its versions with their clauses, signatures."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tenants.agreements.clauses import clauses_from
from tenants.agreements.data import Heading
from tenants.agreements.text import hash_of, text_of
from tenants.context import opened
from tenants.models import Agreement, AgreementVersion, Clause, Signature, Tenant, User

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
    agreement = Agreement.objects.create(
        tenant_id=owner_id,
        partner_id=partner_id,
        owner_name=Tenant.objects.get(pk=owner_id).name,
        partner_name=partner_name,
        created_by_id=who()[0],
        **about,
    )
    write_version(agreement, number=1, author_id=author_id or owner_id, terms=terms, clauses=rows)
    return agreement


def write_version(
    agreement: Agreement,
    *,
    number: int,
    author_id: UUID,
    terms: str,
    clauses: Sequence[Clause],
    heading: Heading | None = None,
    offered_at: datetime | None = None,
) -> AgreementVersion:
    """The text of one version with its clauses; what `heading` leaves out is as the agreement has it."""
    kept: Heading = {"title": agreement.title, "purpose": agreement.purpose, "ends_at": agreement.ends_at}
    version = AgreementVersion(
        tenant_id=agreement.tenant_id,
        agreement=agreement,
        number=number,
        author_id=author_id,
        terms=terms,
        created_by_id=who()[0],
        offered_at=offered_at,
        **kept | (heading or {}),
    )
    version.text = text_of(version, clauses)
    version.text_hash = hash_of(version.text)
    version.save(force_insert=True)
    for clause in clauses:
        clause.tenant_id, clause.agreement, clause.version = agreement.tenant_id, agreement, version
    Clause.objects.bulk_create(clauses)
    return version


def signature_of(version: AgreementVersion, party_id: UUID, user_id: UUID | None, via: str) -> Signature:
    user = User.objects.filter(pk=user_id).first()
    return Signature(
        tenant_id=version.tenant_id,
        agreement_id=version.agreement_id,
        version=version,
        party_id=party_id,
        user=user,
        user_name=(user.name or user.email) if user else "",
        via=via,
        text_hash=version.text_hash,
    )


def who() -> tuple[UUID | None, str]:
    """The user and the credential of the open transaction; none for the platform."""
    actor = opened().actor
    return (actor.user_id, actor.via) if actor else (None, "platform")
