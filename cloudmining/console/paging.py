"""Long lists, newest first: a page begins below the last row of the one before it."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
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


def uuid_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None
