"""The access matrix as lines of a table."""

from collections.abc import Iterator
from typing import Any, Final

from django.db.models import QuerySet

from tenants.models import Clause
from tenants.resources.sheets import written
from tenants.sharing.queries import ways_of

MOST_LINES: Final = 10_000
COLUMNS: Final = (
    *("owner", "partner", "code", "place", "permission", "in_force", "why_not", "begins_at", "ends_at"),
    *("agreement", "version", "purpose", "hidden_fields", "delay_s", "floor_n"),
)


def as_csv(found: QuerySet[Clause]) -> bytes:
    """A line for each place, partner and permission, newest clause first."""
    return written(COLUMNS, _lines(found.order_by("-pk")[:MOST_LINES]))


def _lines(found: QuerySet[Clause]) -> Iterator[list[Any]]:
    for way in ways_of(found):
        clause, agreement = way.clause, way.clause.agreement
        begins_at = clause.during.lower
        yield [
            *(agreement.owner_name, agreement.partner_name, clause.code, clause.name, way.permission),
            *("yes" if way.in_force else "no", " ".join(way.why_not)),
            *(begins_at and begins_at.isoformat(), way.ends_at and way.ends_at.isoformat()),
            *(agreement.title, clause.version.number, clause.purpose, " ".join(clause.field_mask)),
            *(clause.delay_s, clause.floor_n),
        ]
