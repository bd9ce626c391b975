"""The organisation's own predicate in the ORM: the wall would hide foreign rows without it, but read them all first.

`watched` notes what is asked of the database and by which lines; `without` takes the predicate away from one of them.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from tests.database import ROOT

# Where queries pass through, not where they are made.
PASSAGES = ("tenants/models/shared.py", "tenants/rest/base.py", "tenants/rest/pagination.py")
OURS = ("tenants", "edge_bridge", "optimization", "marketplace", "cloudmining")
FROM = re.compile(r'FROM "(\w+)"')
Site = tuple[str, int]


@dataclass
class Watch:
    """`sites`: lines that filter by organisation. `unpredicated`: queries of a table without its tenant or a key."""

    walled: set[str]
    sites: set[Site] = field(default_factory=set)
    unpredicated: set[str] = field(default_factory=set)

    def execute(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        table = FROM.search(sql)
        if sql.startswith("SELECT") and table and table[1] in self.walled and not _is_addressed(table[1], sql):
            self.unpredicated.add(f"{table[1]} from {_caller()}")
        return execute(sql, *rest)


def _is_addressed(table: str, sql: str) -> bool:
    """By its organisation, its own key or a reference: what an index finds without looking at others' rows."""
    where = sql.partition(" WHERE ")[2]
    return re.search(rf'"{table}"\."(?:id|\w+_id|secret_hash|token_hash|prefix)"\)? (?:=|IN)', where) is not None


def _caller() -> Site:
    frame = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
        if path.split("/")[0] in OURS and path not in PASSAGES:
            return path, frame.f_lineno
        frame = frame.f_back
    return "", 0


@contextmanager
def watched(walled: set[str], without: Site | None = None) -> Iterator[Watch]:
    """Every query of this thread; the filter at the line `without` lets all organisations pass."""
    watch, genuine = Watch(walled), QuerySet._filter_or_exclude

    def filter_(self: QuerySet[Any], negate: bool, args: Any, kwargs: dict[str, Any]) -> QuerySet[Any]:
        if not negate and "tenant" in kwargs:
            site = _caller()
            watch.sites.add(site)
            if site == without:
                kwargs = {name: value for name, value in kwargs.items() if name != "tenant"}
        return genuine(self, negate, args, kwargs)

    QuerySet._filter_or_exclude = filter_  # type: ignore[method-assign]
    try:
        with connection.execute_wrapper(watch.execute):
            yield watch
    finally:
        QuerySet._filter_or_exclude = genuine  # type: ignore[method-assign]
