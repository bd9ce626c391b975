"""What is signed: one text for one version of an agreement, from which anybody can compute its hash again."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from tenants.ledger.text import canonical_json
from tenants.models import AgreementVersion, Clause
from tenants.secrets import hash_secret

FORMAT: Final = "cloudmining agreement 1"


def text_of(version: AgreementVersion, clauses: Sequence[Clause]) -> str:
    """Canonical JSON of who agrees on what: parties, heading, terms, and the clauses with their ids and places."""
    agreement = version.agreement
    return canonical_json(
        {
            "format": FORMAT,
            "agreement": agreement.pk,
            "version": version.number,
            "kind": agreement.kind,
            "owner": {"id": agreement.tenant_id, "name": agreement.owner_name},
            "partner": {"id": agreement.partner_id, "name": agreement.partner_name},
            "title": version.title,
            "purpose": version.purpose,
            "statute": agreement.statute,
            "framework": agreement.framework_id,
            "supersedes": agreement.supersedes_id,
            "ends_at": _time(version.ends_at),
            "terms": version.terms,
            "clauses": [_clause(clause) for clause in clauses],
        }
    )


def hash_of(text: str) -> str:
    """SHA-256 of the text in UTF-8, 64 hexadecimal digits."""
    return hash_secret(text)


def _clause(clause: Clause) -> dict[str, Any]:
    return {
        "id": clause.pk,
        "site": clause.site_id,
        "equipment": clause.equipment_id,
        "code": clause.code,
        "name": clause.name,
        "permissions": clause.permissions,
        "during": {"begins_at": _time(clause.during.lower), "ends_at": _time(clause.during.upper)},
        "purpose": clause.purpose,
        "field_mask": clause.field_mask,
        "delay_s": clause.delay_s,
        "floor_n": clause.floor_n,
        "price_minor": clause.price_minor,
        "price_per": clause.price_per,
    }


def _time(moment: datetime | None) -> str | None:
    """UTC with a Z, as the API writes it."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
