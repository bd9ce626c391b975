"""The reads of reactions, under the open identity."""

from typing import Any

from django.db.models import QuerySet

from marketplace.models import Reaction, ReactionSwitch
from marketplace.reactions.data import RULES
from tenants.api import actor


def switches() -> list[dict[str, Any]]:
    """Every reaction there is; one that was never set is off."""
    known = {row.reaction: row for row in _own(ReactionSwitch).select_related("site", "set_by")}
    return [_told(name, known.get(name)) for name in RULES]


def reactions() -> QuerySet[Reaction]:
    return _own(Reaction).select_related("task")


def _own(model: type[Any]) -> QuerySet[Any]:
    found: QuerySet[Any] = model.objects.filter(tenant=actor().tenant_id)
    return found


def _told(name: str, row: ReactionSwitch | None) -> dict[str, Any]:
    rule = RULES[name]
    told = {"reaction": name, "on_event": ", ".join(rule.kinds), "words": rule.words, "needs_site": rule.needs_site}
    if row is None:
        return told | {"is_on": False, "site": None, "site_name": None, "set_at": None, "set_by": None}
    by = row.set_by.name or row.set_by.email
    place = {"site": row.site_id, "site_name": row.site and row.site.name}
    return told | {"is_on": row.is_on, **place, "set_at": row.set_at, "set_by": by}
