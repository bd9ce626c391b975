"""Records of shared reads: those of the organisation's own rows, and those that it made of others' rows."""

from typing import Any, Final

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from tenants import access
from tenants.models import SharedRead

SIDES: Final = {"given": "tenant", "taken": "reader"}


def shared_reads(*, side: str = "", **exact: Any) -> QuerySet[SharedRead]:
    """`given` to partners, `taken` from them, or both; `exact` compares columns; `since` ≤ read_at < `until`."""
    me = access.actor().tenant_id
    since, until = exact.pop("since", None), exact.pop("until", None)
    mine = Q(**{SIDES[side]: me}) if side else Q(tenant=me) | Q(reader=me)
    found = SharedRead.objects.filter(mine, **exact).select_related("agreement")
    found = found.filter(read_at__gte=since) if since else found
    return found.filter(read_at__lt=until) if until else found


def rows_by_day(found: QuerySet[SharedRead], days: int) -> list[dict[str, Any]]:
    """{day (UTC), agreement__title, n}: rows given under each agreement, on the last days on which any were."""
    on_day = found.annotate(day=TruncDate("read_at"))
    last = on_day.order_by("-day").values_list("day", flat=True).distinct()[:days]
    summed = on_day.filter(day__in=list(last)).values("day", "agreement__title").annotate(n=Sum("n_rows"))
    return list(summed.order_by("day", "agreement__title"))
