"""An archive of everything that an organisation owns, written as that organisation, so that it can't over-reach."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import IO, Any, Final
from uuid import UUID

from django.db import connections

from tenants.context import opened
from tenants.models import Tenant
from tenants.organisation.archive import Writer
from tenants.organisation.contents import LEFT_OUT, SHARED_ROWS, Table, tables

ITERATED_ROWS: Final = 2000
ORGANISATION: Final = "organisation.ndjson"
PEOPLE: Final = "people.ndjson"
NEIGHBOURS: Final = "neighbours.ndjson"
ORGANISATION_COLUMNS: Final = ("id", "slug", "name", "kind", "listed", "time_zone", "currency", "created_at")
PEOPLE_COLUMNS: Final = ("id", "email", "name", "is_active", "created_at", "service_of_id")
NEIGHBOUR_COLUMNS: Final = ("id", "slug", "name", "kind")
ORGANISATION_ROW: Final = (
    f"SELECT row_to_json(r)::text FROM (SELECT {', '.join(ORGANISATION_COLUMNS)}"
    " FROM tenants_tenant WHERE id = %(tenant)s) r"
)
# Members only: who acted for a partner is that partner's affair.
PEOPLE_ROWS: Final = (
    f"SELECT row_to_json(r)::text FROM (SELECT {', '.join(PEOPLE_COLUMNS)} FROM tenants_user"
    " WHERE id IN (SELECT user_id FROM tenants_membership WHERE tenant_id = %(tenant)s)) r ORDER BY r.id"
)
NEIGHBOUR_ROWS: Final = (
    f"SELECT row_to_json(r)::text FROM (SELECT {', '.join(NEIGHBOUR_COLUMNS)} FROM tenants_tenant"
    " WHERE listed AND id <> %(tenant)s AND id IN ({named})) r ORDER BY r.id"
)
SCHEMA: Final = "SELECT app, max(name) FROM django_migrations WHERE app = ANY (%s) GROUP BY app ORDER BY app"

# Told (parts done, rows done) after each part and each few thousand rows; what it raises ends the export.
Tell = Callable[[int, int], None]


def write_archive(target: IO[bytes], tell: Tell = lambda parts, rows: None) -> int:
    """Write the archive of the open transaction's organisation, which should be a snapshot; returns the rows in it."""
    tenant_id = opened().tenant_id
    assert tenant_id is not None
    with Writer(target) as writer:
        for name, statement in parts_of():
            said = partial(_tell_of, tell, len(writer.parts), sum(part.rows for part in writer.parts))
            writer.add(name, _told(lines(statement, tenant_id), said))
        writer.describe(_header(tenant_id))
    return sum(part.rows for part in writer.parts)


def parts_of() -> Iterator[tuple[str, str]]:
    """The name of each file and the SQL of its lines. `elsewhere/` holds rows that need another organisation's row."""
    found = tables()
    yield ORGANISATION, ORGANISATION_ROW
    yield PEOPLE, PEOPLE_ROWS
    yield NEIGHBOURS, NEIGHBOUR_ROWS.format(named=_named(found))
    for name, condition in SHARED_ROWS:
        yield f"shared/{name}.ndjson", f"SELECT row_to_json(t)::text FROM {name} t WHERE {condition} ORDER BY t.id"
    for table in found:
        if table.elsewhere:
            yield f"tables/{table.name}.ndjson", table.rows_as_json(f"NOT ({table.abroad})")
            yield f"elsewhere/{table.name}.ndjson", table.rows_as_json(table.abroad)
        else:
            yield f"tables/{table.name}.ndjson", table.rows_as_json()


def _named(found: list[Table]) -> str:
    """SQL of the organisations that rows name."""
    return " UNION ".join(
        f"SELECT {column} FROM {table.name} WHERE tenant_id = %(tenant)s"
        for table in found
        for column in table.tenants
        if column != "tenant_id"
    )


def lines(statement: str, tenant_id: UUID) -> Iterator[str]:
    """Rows as the database sends them, a few thousand at a time."""
    with connections[opened().alias].chunked_cursor() as cursor:
        cursor.execute(statement, {"tenant": tenant_id})
        while rows := cursor.fetchmany(ITERATED_ROWS):
            for (line,) in rows:
                yield line


def _tell_of(tell: Tell, parts: int, rows_before: int, rows: int) -> None:
    tell(parts, rows_before + rows)


def _told(rows: Iterator[str], tell: Callable[[int], None]) -> Iterator[str]:
    number = 0
    for number, line in enumerate(rows, 1):
        if number % ITERATED_ROWS == 0:
            tell(number)
        yield line
    tell(number)


def _header(tenant_id: UUID) -> dict[str, Any]:
    organisation = Tenant.objects.get(pk=tenant_id)
    return {
        "organisation": {"id": str(organisation.pk), "slug": organisation.slug, "name": organisation.name},
        "made_at": datetime.now(UTC).isoformat(),
        "schema": schema(),
        "left_out": LEFT_OUT,
    }


def schema() -> dict[str, str]:
    """The version of each app's tables."""
    apps = sorted({table.label.partition(".")[0] for table in tables()})
    with connections[opened().alias].cursor() as cursor:
        cursor.execute(SCHEMA, [apps])
        return dict(cursor.fetchall())
