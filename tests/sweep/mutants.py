"""Breaks the wall in one place at a time, in a transaction that is rolled back, and asks whether anybody notices.

All by raw SQL in one connection of the superuser, which takes on the application's role to probe: what holds here holds
whatever the code above does. Every table gets a made-up row of each of two organisations, so that none is empty.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import randbelow, token_hex
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection
from psycopg import sql

from tenants.models import new_id
from tests.database import with_database

POLICIES = """
SELECT c.relname, p.polname, p.polcmd, p.polqual IS NOT NULL, p.polwithcheck IS NOT NULL
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE NOT c.relispartition ORDER BY 1, 2
"""
KEYS = """
SELECT c.relname, k.conname, f.relname, a.attname,
  (SELECT attname FROM pg_attribute o WHERE o.attrelid = k.conrelid AND o.attnum = k.conkey[1])
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[2]
WHERE k.contype = 'f' AND cardinality(k.conkey) = 2 AND NOT c.relispartition ORDER BY 1, 2
"""
CONSTRAINTS = "SELECT conname FROM pg_constraint WHERE contype = %s AND conrelid = %s::regclass AND conislocal"
COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
ALL = ["select", "insert", "update", "delete"]
VERBS = {"r": ["select"], "w": ["update"], "a": ["insert"], "d": ["delete"], "*": ALL}
HIGHEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
OF_TYPE = {
    **{"boolean": False, "numeric": 1, "double precision": 1.0},
    **{"timestamp with time zone": "2031-01-01T00:00:00Z", "date": "2031-01-01", "inet": "127.0.0.1", "jsonb": "{}"},
    **{"tstzrange": "empty", "bytea": b"x", "time without time zone": "06:00"},
}


@dataclass(frozen=True)
class Policy:
    table: str
    name: str
    verbs: tuple[str, ...]
    has_using: bool
    has_check: bool

    def opened(self) -> sql.Composable:
        """The policy with nothing left to refuse."""
        parts = [sql.SQL("ALTER POLICY {} ON {}").format(sql.Identifier(self.name), sql.Identifier(self.table))]
        parts += [sql.SQL(" USING (true)")] * self.has_using + [sql.SQL(" WITH CHECK (true)")] * self.has_check
        return sql.Composed(parts)


@dataclass(frozen=True)
class Key:
    table: str
    name: str
    target: str
    column: str
    tenant_column: str

    def dropped(self) -> sql.Composable:
        names = sql.Identifier(self.table), sql.Identifier(self.name)
        return sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(*names)


class Laboratory:
    """`stranger` tries what is only for `owner`; both are organisations that exist."""

    def __init__(self, owner: UUID, stranger: UUID) -> None:
        self.owner, self.stranger = owner, stranger
        self.connection = psycopg.connect(
            with_database(os.environ["DATABASE_ADMIN_URL"], connection.settings_dict["NAME"])
        )

    @contextmanager
    def undone(self) -> Iterator[psycopg.Cursor[Any]]:
        """Within another one, what that one did stays: a savepoint."""
        with self.connection.transaction(force_rollback=True), self.connection.cursor() as cursor:
            yield cursor

    def policies(self) -> list[Policy]:
        with self.undone() as cursor:
            rows = cursor.execute(POLICIES).fetchall()
        return [Policy(table, name, tuple(VERBS[verb]), *parts) for table, name, verb, *parts in rows]

    def keys(self) -> list[Key]:
        with self.undone() as cursor:
            return [Key(*row) for row in cursor.execute(KEYS).fetchall()]

    @contextmanager
    def planted(self, table: str) -> Iterator[dict[str, Any]]:
        """A row of each organisation in the table; yields what another one of the owner's would be."""
        with self.undone() as cursor:
            for organisation in (self.owner, self.stranger):
                self._plant(cursor, table, organisation)
            yield self._row(cursor, table, self.owner)

    def probe(self, table: str, verb: str, foreign: dict[str, Any], mutation: sql.Composable | None = None) -> str:
        """What a stranger gets who tries the verb on every planted row: a count, or the name of an error."""
        with self.undone() as cursor:
            if mutation is not None:
                cursor.execute(mutation)
            cursor.execute("SET LOCAL ROLE cloudmining_app")
            cursor.execute("SELECT set_config('app.tenant', %s, true)", [str(self.stranger)])
            try:
                cursor.execute(*_statement(table, verb, foreign))
            except psycopg.Error as error:
                return type(error).__name__
            return str(cursor.fetchone() if verb == "select" else cursor.rowcount)

    @contextmanager
    def referring(self, key: Key) -> Iterator[tuple[UUID, UUID]]:
        """A row of the owner's that refers to an object at home; yields that and a stranger's."""
        with self.undone() as cursor:
            home, abroad = (self._plant(cursor, key.target, who)["id"] for who in (self.owner, self.stranger))
            self._plant(cursor, key.table, self.owner, **{key.column: home, key.tenant_column: self.owner})
            # A row of this very transaction has all its references looked up again, and only one of them is real.
            _drop(cursor, "f", key.table, but=key.name)
            yield home, abroad

    def refer_abroad(self, key: Key, home: UUID, abroad: UUID, mutation: sql.Composable | None = None) -> str:
        """What happens if that row is made to refer to the stranger's object."""
        with self.undone() as cursor:
            if mutation is not None:
                cursor.execute(mutation)
            names = {"table": sql.Identifier(key.table), "column": sql.Identifier(key.column)}
            try:
                cursor.execute(
                    sql.SQL("UPDATE {table} SET {column} = %s WHERE {column} = %s").format(**names), [abroad, home]
                )
                moved = cursor.rowcount
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            except psycopg.Error as error:
                return type(error).__name__
            return f"{moved} moved"

    def _plant(self, cursor: psycopg.Cursor[Any], table: str, organisation: UUID, **given: Any) -> dict[str, Any]:
        """A row past checks, triggers and references, which stay off; only its types are right."""
        row = self._row(cursor, table, organisation) | given
        _drop(cursor, "c", table)
        name = sql.Identifier(table)
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
        cursor.execute(*_insert(table, row))
        cursor.execute("SET LOCAL session_replication_role = origin")
        return row

    def _row(self, cursor: psycopg.Cursor[Any], table: str, organisation: UUID) -> dict[str, Any]:
        columns = cursor.execute(COLUMNS, [table]).fetchall()
        return {
            name: organisation if name == "tenant_id" else _value(kind)
            for name, kind, is_needed in columns
            if is_needed
        }


def _drop(cursor: psycopg.Cursor[Any], kind: str, table: str, but: str = "") -> None:
    for (name,) in cursor.execute(CONSTRAINTS, [kind, table]).fetchall():
        if name != but:
            names = sql.Identifier(table), sql.Identifier(name)
            cursor.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(*names))


def _value(kind: str) -> Any:
    if kind == "uuid":
        return new_id()
    if kind.endswith("[]"):
        return "{}"
    if kind in ("smallint", "integer", "bigint"):
        return HIGHEST[kind] - randbelow(30_000)  # far from the numbers that real rows have
    room = re.search(r"\((\d+)\)", kind)
    return OF_TYPE.get(kind.split("(")[0], token_hex(8)[: int(room[1])] if room else token_hex(8))


def _insert(table: str, row: dict[str, Any]) -> tuple[sql.Composed, list[Any]]:
    names, places = sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(sql.Placeholder() * len(row))
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), names, places)
    return statement, list(row.values())


def _statement(table: str, verb: str, foreign: dict[str, Any]) -> tuple[Any, ...]:
    """No WHERE and no value read: either would put the policy for reading in front of the one that is probed."""
    name = sql.Identifier(table)
    match verb:
        case "select":
            return (sql.SQL("SELECT count(*) FROM {}").format(name),)
        case "delete":
            return (sql.SQL("DELETE FROM {}").format(name),)
        case "insert":
            return _insert(table, foreign)
    column = "tenant_id" if "tenant_id" in foreign else next(iter(foreign))
    return sql.SQL("UPDATE {} SET {} = %s").format(name, sql.Identifier(column)), [foreign[column]]
