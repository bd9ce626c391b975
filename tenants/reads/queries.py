"""Records of shared reads: those of the organisation's own rows, and those that it made of others' rows."""

from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from tenants import access
from tenants.models import SharedRead


def shared_reads(**exact: Any) -> QuerySet[SharedRead]:
    """`exact` compares columns; `since` ≤ read_at < `until`."""
    me = access.actor().tenant_id
    since, until = exact.pop("since", None), exact.pop("until", None)
    found = SharedRead.objects.filter(Q(tenant=me) | Q(reader=me), **exact).select_related("agreement")
    found = found.filter(read_at__gte=since) if since else found
    return found.filter(read_at__lt=until) if until else found


def rows_by_day(found: QuerySet[SharedRead]) -> list[dict[str, Any]]:
    """{day (UTC), agreement__title, n}: how many rows were given on each day under each agreement."""
    days = found.annotate(day=TruncDate("read_at")).values("day", "agreement__title")
    return list(days.annotate(n=Sum("n_rows")).order_by("day", "agreement__title"))
