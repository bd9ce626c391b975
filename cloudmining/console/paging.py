"""Long lists, newest first, and machines by their codes: a page begins below the last row of the one before it."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from tenants.data import NotFound

PAGE_ROWS = 25


def page_of(request: HttpRequest, rows: QuerySet[Any]) -> dict[str, Any]:
    """`rows` of the page that `?before=` asks for, `older` for the next one's address, and whether it `is_first`."""
    before = request.GET.get("before")
    if before:
        rows = rows.filter(pk__lt=uuid_of(before))
    found = list(rows.order_by("-pk")[: PAGE_ROWS + 1])
    older = found[PAGE_ROWS - 1].pk if len(found) > PAGE_ROWS else None
    return {"rows": found[:PAGE_ROWS], "older": older, "is_first": not before}


def machines_of(request: HttpRequest, rows: QuerySet[Any]) -> dict[str, Any]:
    """`machines` by code, those behind the one that `?behind=` names; `last_machine` for the next page's address."""
    behind = request.GET.get("behind")
    if behind:
        last = rows.filter(pk=uuid_of(behind)).first()
        if last is None:
            raise NotFound
        # Machines of several partners may have the same code.
        rows = rows.filter(Q(code__gt=last.code) | Q(code=last.code, pk__gt=last.pk))
    found = list(rows.order_by("code", "pk")[: PAGE_ROWS + 1])
    last_machine = found[PAGE_ROWS - 1].pk if len(found) > PAGE_ROWS else None
    return {"machines": found[:PAGE_ROWS], "last_machine": last_machine, "are_first_machines": not behind}


def uuid_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None
