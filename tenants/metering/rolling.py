"""Hours and months out of usage events: rolled up, closed, warned of. Platform only.

Each event is added to its hour exactly once: a round takes those of transactions that had all ended when it began and
that no round before it took, and moves the mark past them. Numbers of transactions, unlike times and keys, leave no
room for one that began early and commits late.
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
from tenants.models import Budget, Statement, Tenant, UsageHour, UsageMark

# A statement closes this long after its month: time for work of the last hours to be counted.
CLOSES_AFTER = timedelta(days=1)
CLOSED_AT_ONCE = 100

_ENDED = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_SUMS = """
SELECT tenant_id, meter, hour, sum(quantity) AS quantity, count(*) AS n_events FROM tenants_usageevent
 WHERE written_in >= %s AND written_in < %s GROUP BY tenant_id, meter, hour
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
Touched = set[tuple[UUID, date]]


def roll_up() -> bool:
    """Add what was written since the last round to its hours, and warn; False if nothing was, or another is at it.

    Numbers of transactions that lie below the mark tell of another database cluster (a restored copy): all is rebuilt.
    """
    mark = UsageMark.objects.select_for_update(skip_locked=True).first()
    if mark is None:
        return False
    ended = _ended()
    if ended < mark.through:
        rebuild()
        return True
    touched = _add(mark.through, ended)
    changed = set(Budget.objects.filter(set_at__gte=mark.moved_at).values_list("tenant", flat=True))
    if touched or changed:
        _move_mark(ended)
        _open_statements(touched)
        _warn({tenant for tenant, _ in touched} | changed)
    return bool(touched or changed)


def rebuild() -> int:
    """Make all hours anew from the events; returns how many were not as the events say."""
    mark = UsageMark.objects.select_for_update().get()
    ended = _ended()
    if mark.through <= ended:
        _add(mark.through, ended)
    with _cursor() as cursor:
        cursor.execute(_WRONG, [0, ended])
        wrong = int(cursor.fetchone()[0])
    UsageHour.objects.all().delete()
    _open_statements(_add(0, ended))
    _move_mark(ended)
    return wrong


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


def _add(begin: int, end: int) -> Touched:
    with _cursor() as cursor:
        cursor.execute(_ADD, [begin, end])
        return set(cursor.fetchall())


def _ended() -> int:
    """Transactions with lower numbers have all committed or rolled back."""
    with _cursor() as cursor:
        cursor.execute(_ENDED)
        return int(cursor.fetchone()[0])


def _move_mark(ended: int) -> None:
    UsageMark.objects.update(through=ended, moved_at=Now())


def _cursor() -> Any:
    return connections[opened().alias].cursor()
