"""The organisation's own predicate in the ORM, which tells own rows from those that others opened, and finds them.

Where a key names the row the wall alone decides, so a predicate that stands beside one has to tell the two apart.
`watched` notes what is asked of the database and by which lines; `without` takes the predicate away from one of them.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from tenants.models.shared import SharedQuerySet
from tests.database import ROOT

# Where queries pass through, not where they are made.
PASSAGES = ("tenants/models/shared.py", "tenants/rest/base.py", "tenants/rest/pagination.py")
OURS = ("tenants", "edge_bridge", "optimization", "marketplace", "cloudmining")
TABLE = re.compile(r'(?:UPDATE|DELETE FROM)? ?"(\w+)"')
# File, function and line of a predicate.
Site = tuple[str, str, int]


@dataclass
class Watch:
    """`sites`: lines that filter by organisation. `unpredicated`: queries of a table without its tenant or a key."""

    walled: set[str]
    sites: set[Site] = field(default_factory=set)
    unpredicated: set[str] = field(default_factory=set)

    def execute(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        table = TABLE.match(_read(sql))
        if table and table[1] in self.walled and not _is_addressed(table[1], sql):
            self.unpredicated.add(f"{table[1]} from {_caller()}")
        return execute(sql, *rest)


def _is_addressed(table: str, sql: str) -> bool:
    """By its organisation, its own key, a reference, or the partner in its agreement: what an index finds without
    looking at others' rows."""
    own = rf'"{table}"\."(?:id|\w+_id|secret_hash|token_hash|prefix)"'
    return re.search(rf'(?:{own}|"tenants_agreement"\."partner_id")\)? (?:=|IN)', _where(sql)) is not None


def _read(sql: str) -> str:
    """From the table on that the statement reads or changes; rows that are only counted are in a subquery."""
    while sql.startswith("SELECT"):
        sql = _outer(" FROM ", sql).removeprefix("(")
    return sql


def _where(sql: str) -> str:
    return _outer(" WHERE ", sql) or sql.partition(" WHERE ")[2]  # of rows only counted, in a subquery of their own


def _outer(word: str, sql: str) -> str:
    """What follows the statement's own word, not that of a subquery before it."""
    depth = 0
    for found in re.finditer(rf"[()]|{word}", sql):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if found[0] == word and depth == 0:
            return sql[found.end() :]
    return ""


def _caller() -> Site:
    frame = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
        if path.split("/")[0] in OURS and path not in PASSAGES:
            return path, frame.f_code.co_qualname, frame.f_lineno
        frame = frame.f_back
    return "", "", 0


@contextmanager
def watched(walled: set[str], without: Site | None = None) -> Iterator[Watch]:
    """Every query of this thread; the filter or exclusion at the line `without` lets all organisations pass."""
    watch, genuine, genuine_own = Watch(walled), QuerySet._filter_or_exclude, SharedQuerySet.own

    def filter_(self: QuerySet[Any], negate: bool, args: Any, kwargs: dict[str, Any]) -> QuerySet[Any]:
        if "tenant" in kwargs:
            site = _caller()
            watch.sites.add(site)
            if site == without:
                kwargs = {name: value for name, value in kwargs.items() if name != "tenant"}
        return genuine(self, negate, args, kwargs)

    def own(self: SharedQuerySet) -> SharedQuerySet:
        return self.all() if _caller() == without else genuine_own(self)

    QuerySet._filter_or_exclude, SharedQuerySet.own = filter_, own  # type: ignore[method-assign]
    try:
        with connection.execute_wrapper(watch.execute):
            yield watch
    finally:
        QuerySet._filter_or_exclude, SharedQuerySet.own = genuine, genuine_own  # type: ignore[method-assign]


@contextmanager
def undone() -> Iterator[None]:
    """What is written in it is rolled back: transactions of requests, durable as they are, become savepoints."""
    outer = transaction.atomic()
    outer._from_testcase = True
    with outer:
        try:
            yield
        finally:
            transaction.set_rollback(True)
