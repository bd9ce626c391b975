"""An archive read back: all of it in one transaction, or nothing. What arrives is compared with what was said."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any, Final
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import DatabaseError, connections, transaction

from tenants.context import as_platform, opened
from tenants.data import Invalid
from tenants.models import Rate, RatePlan
from tenants.organisation.archive import DEFAULT_LIMIT_BYTES, Digest, Part, Reader
from tenants.organisation.contents import Table, tables
from tenants.organisation.exporting import (
    NEIGHBOUR_COLUMNS,
    NEIGHBOURS,
    ORGANISATION,
    ORGANISATION_COLUMNS,
    PEOPLE,
    PEOPLE_COLUMNS,
    lines,
    parts_of,
    schema,
)

BATCH_ROWS: Final = 500
NOBODY_KNOWN: Final = "somebody of another organisation"
SOME_ORGANISATION: Final = "an organisation that is not here"
SHARED_COLUMNS: Final = {
    model._meta.db_table: [str(each.column) for each in model._meta.local_concrete_fields] for model in (RatePlan, Rate)
}


@dataclass
class Report:
    """What came of an import."""

    organisation: str
    rows: int = 0
    set_aside: dict[str, int] = field(default_factory=dict)
    people_made: int = 0


def import_archive(
    source: IO[bytes], *, who: str, limit_bytes: int = DEFAULT_LIMIT_BYTES, joins: bool = False
) -> Report:
    """Bring an organisation into a system in which it isn't; Invalid says what is wrong, and nothing is kept then.

    People whom the system doesn't know are made without a password. Rows in `elsewhere/` are set aside and counted; if
    it `joins` the organisations that are here, those whose other organisation's row is here are brought too. Manifests
    are not signed, so this is for archives that the operator fetched.
    """
    reader = Reader(source, limit_bytes)
    reader.verify()
    with as_platform(who, f"import {reader.manifest.get('organisation')}"):
        return _Import(reader, joins).run()


class _Import:
    """One import, inside the open transaction of the platform."""

    def __init__(self, reader: Reader, joins: bool) -> None:
        self.reader, self.joins = reader, joins
        self.parts = {part.name: part for part in reader.parts}
        self.tenant_id = self._tenant_id()
        self.report = Report(str(reader.manifest["organisation"].get("name")))
        self.tables = {table.name: table for table in tables()}

    def run(self) -> Report:
        self._refuse_other_shape()
        _execute("SELECT set_config('app.importing', 'on', true)")
        self._found()
        self._people()
        for name, part in self.parts.items():
            folder, _, rest = name.partition("/")
            table = self.tables.get(rest.removesuffix(".ndjson"))
            if folder == "shared":
                self._load_shared(part, rest.removesuffix(".ndjson"))
            elif folder == "elsewhere" and not self.joins:
                self.report.set_aside |= {name: part.rows} if part.rows else {}
            elif table is not None:
                self._load(part, table, is_elsewhere=folder == "elsewhere")
        self._fill_in_strangers()
        self._check_references()
        self._compare()
        return self.report

    def _tenant_id(self) -> UUID:
        try:
            return UUID(self.reader.manifest["organisation"]["id"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Invalid("The manifest names no organisation.") from error

    def _refuse_other_shape(self) -> None:
        """The archive is of this version and holds the files that this version would write, no others."""
        here, there = schema(), self.reader.manifest.get("schema")
        if here != there:
            raise Invalid(f"The archive is of another version: {there}; this system is at {here}. Migrate one of them.")
        expected = {name for name, _ in parts_of()}
        for name in sorted(expected ^ set(self.parts)):
            raise Invalid(f"{name!r} is {'missing' if name in expected else 'not a file of an archive'}.")

    def _found(self) -> None:
        """The organisation's own row and its group of partners."""
        row = self._only_row(ORGANISATION, ORGANISATION_COLUMNS)
        if row.get("id") != str(self.tenant_id):
            raise Invalid(f"{ORGANISATION}, row 1: not the organisation of the manifest.")
        slug = str(row.get("slug"))
        if _rows("SELECT 1 FROM tenants_tenant WHERE id = %s OR slug = %s", [self.tenant_id, slug]):
            raise Invalid(f"The organisation {slug!r} is here already: import it into a system where it isn't.")
        self._insert_object("tenants_tenant", row, f"{ORGANISATION}, row 1")
        _execute("INSERT INTO auth_group (name) VALUES (%s) ON CONFLICT DO NOTHING", [str(self.tenant_id)])

    def _people(self) -> None:
        for number, row in enumerate(self._objects(PEOPLE, PEOPLE_COLUMNS), 1):
            place = f"{PEOPLE}, row {number}"
            if row["service_of_id"] not in (None, str(self.tenant_id)):
                raise Invalid(f"{place}: a program of another organisation.")
            known = _rows(
                "SELECT id::text, email FROM tenants_user WHERE id = %s OR email = %s", [row["id"], row["email"]]
            )
            if any((found_id, email) != (row["id"], row["email"]) for found_id, email in known):
                raise Invalid(f"{place}: {row['email']} is somebody else here. Change one of the two addresses.")
            if not known:
                made = {**row, "password": make_password(None), "is_staff": False, "is_superuser": False}
                self._insert_object("tenants_user", made, place)
                self.report.people_made += 1
            _execute(
                "INSERT INTO tenants_user_groups (user_id, group_id) SELECT %s, id FROM auth_group WHERE name = %s"
                " ON CONFLICT DO NOTHING",
                [row["id"], str(self.tenant_id)],
            )

    def _load_shared(self, part: Part, table: str) -> None:
        """Rows that are nobody's: those that are here already stay as they are, and none becomes a standard."""
        for number, row in enumerate(self._objects(part.name, SHARED_COLUMNS[table]), 1):
            if "is_standard" in row:
                row["is_standard"] = False
            if not _rows(f"SELECT 1 FROM {table} WHERE id = %s", [row["id"]]):
                self._insert_object(table, row, f"{part.name}, row {number}")

    def _load(self, part: Part, table: Table, *, is_elsewhere: bool) -> None:
        found = self.reader.lines(part)
        done = 0
        self._begin(table)
        while batch := list(islice(found, BATCH_ROWS)):
            self._refuse_foreign(batch, table, part.name, done)
            inserted = self._insert(batch, table, part.name, done, is_elsewhere)
            self.report.rows += inserted
            if inserted < len(batch):
                self.report.set_aside[part.name] = self.report.set_aside.get(part.name, 0) + len(batch) - inserted
            done += len(batch)

    def _begin(self, table: Table) -> None:
        """The ledger's entries move its end, which has to be there."""
        if table.label == "tenants.LedgerEntry":
            _execute(
                "INSERT INTO tenants_ledgerhead (tenant_id, seq, hash) VALUES (%s, 0, repeat('0', 64))"
                " ON CONFLICT DO NOTHING",
                [self.tenant_id],
            )

    def _refuse_foreign(self, batch: list[bytes], table: Table, name: str, done: int) -> None:
        columns = [column.name for column in table.columns]
        for number, line in enumerate(batch, done + 1):
            owner = _object(line, f"{name}, row {number}", columns)["tenant_id"]
            if owner != str(self.tenant_id):
                raise Invalid(f"{name}, row {number}: the row belongs to {owner}, not to this organisation.")

    def _insert(self, batch: list[bytes], table: Table, name: str, done: int, is_elsewhere: bool) -> int:
        """The batch at once; if it is refused, row by row to find the one that is wrong."""
        try:
            return self._insert_rows(batch, table, is_elsewhere)
        except DatabaseError:
            for number, line in enumerate(batch, done + 1):
                try:
                    self._insert_rows([line], table, is_elsewhere)
                except DatabaseError as error:
                    raise Invalid(f"{name}, row {number}: {_words(error)}.") from error
            raise

    def _insert_rows(self, batch: list[bytes], table: Table, is_elsewhere: bool) -> int:
        array = "[" + ",".join(line.decode() for line in batch) + "]"
        with transaction.atomic(using=opened().alias), connections[opened().alias].cursor() as cursor:
            if any(column.name == "grantee_id" for column in table.columns):
                cursor.execute(GROUPS_OF_GRANTEES, [array])
            cursor.execute(_insertion(table, is_elsewhere), [array])
            return cursor.rowcount

    def _insert_object(self, table: str, row: dict[str, Any], place: str) -> None:
        columns = ", ".join(f'"{name}"' for name in row)
        statement = (
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %s::jsonb)"
        )
        try:
            with transaction.atomic(using=opened().alias):
                _execute(statement, [json.dumps(row)])
        except DatabaseError as error:
            raise Invalid(f"{place}: {_words(error)}.") from error

    def _fill_in_strangers(self) -> None:
        """Other organisations and their people are not in an archive: what refers to them gets an empty name."""
        for row in self._objects(NEIGHBOURS, NEIGHBOUR_COLUMNS):
            taken = _rows("SELECT id::text FROM tenants_tenant WHERE id = %s OR slug = %s", [row["id"], row["slug"]])
            if not taken:
                made = {**row, "listed": True, "time_zone": "UTC", "currency": "USD", "created_at": "1970-01-01"}
                self._insert_object("tenants_tenant", made, NEIGHBOURS)
        for table in self.tables.values():
            for column in table.tenants:
                _execute(STRANGE_TENANTS.format(table=table.name, column=column), [SOME_ORGANISATION, self.tenant_id])
            for column in table.users:
                _execute(
                    STRANGE_USERS.format(table=table.name, column=column),
                    [make_password(None), NOBODY_KNOWN, self.tenant_id],
                )
        _execute("INSERT INTO auth_group (name) SELECT id::text FROM tenants_tenant ON CONFLICT DO NOTHING")

    def _check_references(self) -> None:
        try:
            _execute("SET CONSTRAINTS ALL IMMEDIATE")
        except DatabaseError as error:
            raise Invalid(f"A row refers to one that is not in the archive: {_words(error)}.") from error

    def _compare(self) -> None:
        """What is in the tables now reads as what came."""
        for name, statement in parts_of():
            if name != ORGANISATION and not name.startswith("tables/"):
                continue
            digest = Digest()
            for line in lines(statement, self.tenant_id):
                digest.add(line.encode() + b"\n")
            if digest.part(name) != self.parts[name]:
                said = self.parts[name].rows
                raise Invalid(
                    f"{name}: {digest.rows} rows arrived of {said}, or they arrived changed. Nothing is kept."
                )

    def _objects(self, name: str, columns: Collection[str]) -> Iterator[dict[str, Any]]:
        for number, line in enumerate(self.reader.lines(self.parts[name]), 1):
            yield _object(line, f"{name}, row {number}", columns)

    def _only_row(self, name: str, columns: Collection[str]) -> dict[str, Any]:
        rows = list(islice(self._objects(name, columns), 2))
        if len(rows) != 1:
            raise Invalid(f"{name} holds not one row.")
        return rows[0]


# A grant is a row for the group of a partner, which is not in the archive.
GROUPS_OF_GRANTEES: Final = """
INSERT INTO auth_group (name) SELECT DISTINCT (value->>'grantee_id')::uuid::text FROM jsonb_array_elements(%s::jsonb)
ON CONFLICT DO NOTHING"""
STRANGE_TENANTS: Final = """
INSERT INTO tenants_tenant (id, slug, name, kind, listed, time_zone, currency, created_at)
SELECT DISTINCT t.{column}, 'absent-' || t.{column}, %s, 'consultancy', false, 'UTC', 'USD', now() FROM {table} t
 WHERE t.tenant_id = %s AND t.{column} IS NOT NULL
   AND NOT EXISTS (SELECT FROM tenants_tenant o WHERE o.id = t.{column})"""
STRANGE_USERS: Final = """
INSERT INTO tenants_user (id, email, name, password, is_active, is_staff, is_superuser, created_at)
SELECT DISTINCT t.{column}, t.{column} || '@elsewhere.invalid', n.name, n.password, false, false, false, now()
  FROM {table} t, (SELECT %s AS password, %s AS name) n
 WHERE t.tenant_id = %s AND t.{column} IS NOT NULL
   AND NOT EXISTS (SELECT FROM tenants_user u WHERE u.id = t.{column})"""


def _insertion(table: Table, is_elsewhere: bool) -> str:
    """SQL that inserts an array of objects; those whose other organisation's row is not here are passed over."""
    made = {column.name: column.given for column in table.columns if column.given}
    made |= {name: given for name, given in table.withheld.items() if given is not None}
    copied = [column.name for column in table.columns if not column.given]
    columns = ", ".join(f'"{name}"' for name in [*copied, *made])
    values = ", ".join([*(f'r."{name}"' for name in copied), *made.values()])
    strange = ", ".join(f"'{column.name}'" for column in table.columns if column.given)
    plain = f"e.j - ARRAY[{strange}]" if strange else "e.j"
    here = " AND ".join(
        f"(r.{each.column} IS NULL OR EXISTS (SELECT FROM {each.table} o"
        f" WHERE o.tenant_id = r.{each.owner_column} AND o.id = r.{each.column}))"
        for each in table.elsewhere
        if is_elsewhere
    )
    return (
        f"INSERT INTO {table.name} ({columns}) SELECT {values}"
        f" FROM (SELECT value AS j FROM jsonb_array_elements(%s::jsonb)) e,"
        f" LATERAL jsonb_populate_record(NULL::{table.name}, {plain}) r" + (f" WHERE {here}" if here else "")
    )


def _object(line: bytes, place: str, columns: Collection[str]) -> dict[str, Any]:
    """A row with just these columns: their names become SQL."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{place}: this is no JSON: {error}.") from error
    if not isinstance(row, dict):
        raise Invalid(f"{place}: this is no JSON object.")
    if wrong := sorted(row.keys() ^ set(columns)):
        raise Invalid(f"{place}: the column {wrong[0]!r} is {'unknown' if wrong[0] in row else 'missing'}.")
    return row


def _words(error: DatabaseError) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    said = [getattr(diagnosis, name, None) for name in ("message_primary", "message_detail")]
    return "; ".join(part for part in said if part) or str(error).splitlines()[0]


def _execute(statement: str, values: list[Any] | None = None) -> None:
    with connections[opened().alias].cursor() as cursor:
        cursor.execute(statement, values)


def _rows(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connections[opened().alias].cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
