"""Records of shared reads as a table in CSV."""

from operator import attrgetter
from typing import Final

from django.db.models import QuerySet

from tenants.models import SharedRead
from tenants.resources.sheets import written

MOST_LINES: Final = 10_000
COLUMNS: Final = {
    "read_at": "read_at",
    "owner": "agreement.owner_name",
    "reader": "agreement.partner_name",
    "user_name": "user_name",
    "via": "via",
    "agreement": "agreement.title",
    "clause": "clause_id",
    "permission": "permission",
    "purpose": "purpose",
    "kind": "kind",
    "n_rows": "n_rows",
    "first_id": "first_id",
    "last_id": "last_id",
    "ids_hash": "ids_hash",
}


def as_csv(found: QuerySet[SharedRead]) -> bytes:
    """A line for each record, the newest first."""
    cells = attrgetter(*COLUMNS.values())
    lines = (cells(read) for read in found.order_by("-pk")[:MOST_LINES])
    return written(tuple(COLUMNS), ([read_at.isoformat(), *rest] for read_at, *rest in lines))
