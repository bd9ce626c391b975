"""What was used and what it costs. Each query names the organisation, so that platform sweeps use them too."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from django.db import connections
from django.db.models import QuerySet

from tenants import access
from tenants.context import opened
from tenants.metering.months import bounds_of, month_of, read_month
from tenants.metering.pricing import METERS, Step, line_of
from tenants.models import Budget, RateAssignment, RatePlan, Statement, Tenant, UsageEvent, UsageHour

Row = TypeVar("Row", UsageEvent, UsageHour)
# In one statement, hence of one moment: an event is either in the hours or above the mark, never both or neither.
_USED = """
SELECT meter, (hour AT TIME ZONE 'UTC')::date, sum(quantity) FROM (
  SELECT meter, hour, quantity FROM tenants_usagehour
   WHERE tenant_id = %(tenant)s AND hour >= %(from)s AND hour < %(to)s
  UNION ALL
  SELECT meter, hour, quantity FROM tenants_usageevent
   WHERE tenant_id = %(tenant)s AND hour >= %(from)s AND hour < %(to)s
     AND written_in > (SELECT through FROM tenants_usagemark)
) AS used GROUP BY 1, 2
"""


def used_by_day(tenant_id: UUID, begins_at: datetime, ends_at: datetime) -> dict[str, dict[date, Decimal]]:
    """Meter → day in UTC → quantity, in whole hours, up to this moment; what was not used is not there."""
    found: dict[str, dict[date, Decimal]] = {}
    with connections[opened().alias].cursor() as cursor:
        cursor.execute(_USED, {"tenant": tenant_id, "from": begins_at, "to": ends_at})
        for meter, day, quantity in cursor.fetchall():
            found.setdefault(meter, {})[day] = quantity
    return found


def used(tenant_id: UUID, begins_at: datetime, ends_at: datetime) -> dict[str, Decimal]:
    """Quantity by meter."""
    by_day = used_by_day(tenant_id, begins_at, ends_at)
    return {meter: sum(days.values(), Decimal()) for meter, days in by_day.items()}


def usage_events() -> QuerySet[UsageEvent]:
    return UsageEvent.objects.filter(tenant=access.actor().tenant_id).select_related("counterpart")


def usage_hours() -> QuerySet[UsageHour]:
    """What was rolled up; the last seconds may be missing."""
    return UsageHour.objects.filter(tenant=access.actor().tenant_id)


def within(
    rows: QuerySet[Row], *, meter: str | None = None, month: str | None = None, hour: datetime | None = None
) -> QuerySet[Row]:
    """Of one meter, one month (`2026-11`) or one hour."""
    if meter is not None:
        rows = rows.filter(meter=meter)
    first = None if month is None else read_month(month)
    if first is not None:
        begins_at, ends_at = bounds_of(first)
        rows = rows.filter(hour__gte=begins_at, hour__lt=ends_at)
    if hour is not None:
        rows = rows.filter(hour=hour.replace(minute=0, second=0, microsecond=0))
    return rows


def statements() -> QuerySet[Statement]:
    return Statement.objects.filter(tenant=access.actor().tenant_id).select_related("plan")


def budget_of(tenant_id: UUID) -> Budget | None:
    return Budget.objects.filter(tenant=tenant_id).first()


def rate_plan_of(tenant: Tenant, month: date) -> RatePlan | None:
    """The plan assigned to the organisation, else the standard one of its kind, else that of any kind."""
    assigned = RateAssignment.objects.filter(tenant=tenant, from_month__lte=month).select_related("plan")
    newest = assigned.order_by("-from_month").first()
    if newest is not None:
        return newest.plan
    standard = RatePlan.objects.filter(is_standard=True, currency=tenant.currency, kind__in=("", tenant.kind))
    return standard.filter(from_month__lte=month).order_by("-kind", "-from_month").first()


def statement_of(tenant_id: UUID, month: date) -> Statement:
    """The closed statement as it was, or the open one as it stands."""
    kept = Statement.objects.filter(tenant=tenant_id, month=month).select_related("plan").first()
    if kept is not None and kept.closed_at is not None:
        return kept
    return computed(kept or Statement(tenant_id=tenant_id, month=month))


def computed(statement: Statement) -> Statement:
    """Fill an open statement in with its lines as they stand. Without a plan in the currency nothing is charged."""
    tenant = Tenant.objects.get(pk=statement.tenant_id)
    plan = rate_plan_of(tenant, statement.month)
    steps = _steps(plan)
    quantities = used(tenant.pk, *bounds_of(statement.month))
    lines = [line_of(meter, quantities[meter], steps.get(meter, ())) for meter in METERS if meter in quantities]
    statement.currency = tenant.currency if plan is None else plan.currency
    statement.plan = plan
    statement.lines = [asdict(line) for line in lines]
    statement.total_minor = sum(line.amount_minor for line in lines)
    return statement


def price_of_next(tenant_id: UUID, meter: str) -> tuple[int, str]:
    """What one more of it costs at this moment of the month, in minor units, and the currency; 0 without a plan."""
    tenant, month = Tenant.objects.get(pk=tenant_id), month_of(datetime.now(UTC))
    plan = rate_plan_of(tenant, month)
    steps, quantity = _steps(plan).get(meter, ()), used(tenant_id, *bounds_of(month)).get(meter, Decimal())
    price_minor = line_of(meter, quantity + 1, steps).amount_minor - line_of(meter, quantity, steps).amount_minor
    return price_minor, tenant.currency if plan is None else plan.currency


def is_billable(tenant: Tenant, month: date) -> bool:
    """From the month in which the organisation was founded up to the present one."""
    return month_of(tenant.created_at) <= month <= month_of(datetime.now(UTC))


def _steps(plan: RatePlan | None) -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = {}
    rates: Any = () if plan is None else plan.rates.order_by("meter", "above")
    for rate in rates:
        found.setdefault(rate.meter, []).append(Step(rate.above, rate.price_minor, rate.per))
    return found
