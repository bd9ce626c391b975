"""Hours and months out of usage events: rolled up, closed, warned of. Platform only.

Each event is added to its hour exactly once, with its round. Writers hold a lock of the round that is open, so a round
that was closed and whose lock is free can get no further event, however late a transaction commits.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models.functions import Now

from tenants.bus import announce
from tenants.context import opened
from tenants.data import Event
from tenants.ledger.actions import enter
from tenants.metering import queries
from tenants.metering.months import bounds_of, month_of
from tenants.models import Budget, Statement, Tenant, UsageEvent, UsageHour, UsageMark

# A statement closes this long after its month: time for work of the last hours to be counted.
CLOSES_AFTER = timedelta(days=1)
CLOSED_AT_ONCE = 100

_IS_OVER = "SELECT pg_try_advisory_xact_lock(wall.usage_lock(), %s)"
_SUMS = """
SELECT tenant_id, meter, hour, sum(quantity) AS quantity, count(*) AS n_events FROM tenants_usageevent
 WHERE written_in BETWEEN %s AND %s GROUP BY tenant_id, meter, hour
"""
_ADD = f"""
INSERT INTO tenants_usagehour AS kept (id, tenant_id, meter, hour, quantity, n_events)
SELECT gen_random_uuid(), raw.* FROM ({_SUMS}) AS raw
ON CONFLICT (tenant_id, hour, meter) DO UPDATE
   SET quantity = kept.quantity + excluded.quantity, n_events = kept.n_events + excluded.n_events
RETURNING tenant_id, (hour AT TIME ZONE 'UTC')::date
"""
_WRONG = f"""
SELECT count(*) FROM ({_SUMS}) AS raw FULL JOIN tenants_usagehour AS kept USING (tenant_id, hour, meter)
 WHERE (raw.quantity, raw.n_events) IS DISTINCT FROM (kept.quantity, kept.n_events)
"""
FIRST_ROUND = 1
Touched = set[tuple[UUID, date]]


def roll_up() -> bool:
    """Add the closed round to its hours if it is over, close the open one if it has events, and warn.

    False if there was nothing to add and no budget that is new, or if another is at it.
    """
    mark = UsageMark.objects.select_for_update(skip_locked=True).first()
    if mark is None:
        return False
    changed = set(Budget.objects.filter(set_at__gte=mark.moved_at).values_list("tenant", flat=True))
    touched = _add_closed_round(mark)
    is_closing = mark.through == mark.round - 1 and UsageEvent.objects.filter(written_in=mark.round).exists()
    if touched or changed or is_closing:
        mark.round, mark.moved_at = mark.round + is_closing, Now()
        mark.save()
    _open_statements(touched)
    _warn({tenant for tenant, _ in touched} | changed)
    return bool(touched or changed)


def rebuild() -> int:
    """Make all hours anew from the events; returns how many were not as the events say."""
    mark = UsageMark.objects.select_for_update().get()
    with _cursor() as cursor:
        cursor.execute(_WRONG, [FIRST_ROUND, mark.through])
        wrong = int(cursor.fetchone()[0])
    UsageHour.objects.all().delete()
    _open_statements(_add(FIRST_ROUND, mark.through))
    return wrong


def _add_closed_round(mark: UsageMark) -> Touched:
    """Nothing if there is none, or one of its writers has not ended."""
    closed = mark.round - 1
    if mark.through == closed or not _is_over(closed):
        return set()
    mark.through = closed
    return _add(closed, closed)


def close_statements(now: datetime) -> int:
    """Freeze the statements of months that are over; each keeps its lines and its plan. Returns how many."""
    last = month_of(now - CLOSES_AFTER)
    due = Statement.objects.filter(closed_at=None, month__lt=last).select_for_update(skip_locked=True)
    statements = list(due.order_by("month")[:CLOSED_AT_ONCE])
    for statement in statements:
        _close(statement)
    return len(statements)


def _close(statement: Statement) -> None:
    """The lock keeps out events of that month, which from then on are counted in the present hour."""
    with _cursor() as cursor:
        cursor.execute("SELECT wall.lock_statement(%s)", [statement.tenant_id])
    queries.computed(statement)
    statement.closed_at = datetime.now(UTC)
    statement.save()
    total = {"month": f"{statement.month:%Y-%m}", "total_minor": statement.total_minor, "currency": statement.currency}
    enter(kind="statement.closed", subject=statement.pk, payload=total, with_tenants={statement.tenant_id})


def _warn(tenants: Iterable[UUID]) -> None:
    """Tell of budgets that are nearly or wholly used up, each once a month."""
    month = month_of(datetime.now(UTC))
    for budget in Budget.objects.filter(tenant__in=tenants).exclude(reached_for=month):
        statement = queries.statement_of(budget.tenant_id, month)
        total = statement.total_minor or 0
        if budget.warned_for != month and total >= budget.cap_minor * budget.warn_frac:
            budget.warned_for = month
            _tell("usage.budget_warning", budget, statement)
        if total >= budget.cap_minor:
            budget.reached_for = month
            _tell("usage.budget_reached", budget, statement)
        budget.save(update_fields=["warned_for", "reached_for"])


def _tell(kind: str, budget: Budget, statement: Statement) -> None:
    body = {
        "month": f"{statement.month:%Y-%m}",
        "cap_minor": budget.cap_minor,
        "used_minor": statement.total_minor,
        "currency": statement.currency,
        "stops": budget.stops,
        "resets_at": bounds_of(statement.month)[1],
    }
    announce(Event(kind=kind, body=body, permission="view_usage", to=frozenset({budget.tenant_id})))


def _open_statements(touched: Touched) -> None:
    months = {(tenant, day.replace(day=1)) for tenant, day in touched}
    currencies = dict(Tenant.objects.filter(pk__in={tenant for tenant, _ in months}).values_list("pk", "currency"))
    rows = [Statement(tenant_id=tenant, month=month, currency=currencies[tenant]) for tenant, month in sorted(months)]
    Statement.objects.bulk_create(rows, ignore_conflicts=True)


def _add(first: int, last: int) -> Touched:
    """Add rounds to the hours."""
    with _cursor() as cursor:
        cursor.execute(_ADD, [first, last])
        return set(cursor.fetchall())


def _is_over(closed: int) -> bool:
    """Whether all who wrote into the round have ended."""
    with _cursor() as cursor:
        cursor.execute(_IS_OVER, [closed])
        return bool(cursor.fetchone()[0])


def _cursor() -> Any:
    return connections[opened().alias].cursor()
