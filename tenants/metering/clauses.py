"""What a partner used under an agreement, month by month, and what its clauses ask for that.

From the records of reads, which both parties see, so that both see the same lines. A day or a month that has begun
counts whole; a suspension does not shorten it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from django.db.models import Sum
from django.db.models.functions import TruncMonth

from tenants.context import on_behalf_of
from tenants.metering.months import bounds_of, month_after, month_of
from tenants.metering.pricing import rounded
from tenants.models import Agreement, Clause, SharedRead, Tenant

Span = tuple[datetime, datetime]
THOUSAND = 1000
MOST_MONTHS = 12  # a partner that asks every second leaves millions of records in a year


@dataclass(frozen=True, slots=True)
class ClauseLine:
    """One clause in one month. `quantity` is in the measure of its price; without a price it is 0."""

    clause: UUID
    site: UUID | None
    equipment: UUID | None
    rows_read: int
    price_minor: int | None
    price_per: str
    quantity: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class MonthTotal:
    month: date
    rows_read: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class AgreementUsage:
    """One month in lines, and in sums the `months` up to it in which it was in force: newest first, at most twelve."""

    agreement: UUID
    owner: UUID
    partner: UUID
    month: date
    currency: str
    lines: tuple[ClauseLine, ...]
    months: tuple[MonthTotal, ...]

    @property
    def total_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)

    @property
    def months_total(self) -> dict[str, int]:
        return {
            "rows_read": sum(each.rows_read for each in self.months),
            "total_minor": sum(each.total_minor for each in self.months),
        }


def agreement_usage(agreement: Agreement, month: date) -> AgreementUsage:
    """In the currency of the owner, whose prices they are."""
    months = [each for each in _months(agreement) if each <= month][-MOST_MONTHS:]
    rows, clauses = _rows_read(agreement, min(months, default=month), month), list(_clauses(agreement))
    lines_of = {each: _lines(agreement, clauses, each, rows.get(each, {})) for each in {month, *months}}
    with on_behalf_of(agreement.tenant_id):  # who owes it learns in what, also from an owner that is not listed
        currency = Tenant.objects.values_list("currency", flat=True).get(pk=agreement.tenant_id)
    return AgreementUsage(
        agreement=agreement.pk,
        owner=agreement.tenant_id,
        partner=agreement.partner_id,
        month=month,
        currency=currency,
        lines=lines_of[month],
        months=tuple(_total(each, lines_of[each]) for each in months[::-1]),
    )


def _months(agreement: Agreement) -> list[date]:
    """Those in which it was in force, and so is what was read."""
    if agreement.activated_at is None:
        return []
    ends = (agreement.ended_at, agreement.ends_at, datetime.now(UTC))
    last = month_of(min(moment for moment in ends if moment is not None))
    found = [month_of(agreement.activated_at)]
    while found[-1] < last:
        found.append(month_after(found[-1]))
    return found


def _total(month: date, lines: tuple[ClauseLine, ...]) -> MonthTotal:
    return MonthTotal(month, sum(line.rows_read for line in lines), sum(line.amount_minor for line in lines))


def _lines(
    agreement: Agreement, clauses: list[Clause], month: date, rows: Mapping[UUID, int]
) -> tuple[ClauseLine, ...]:
    counted = [clause for clause in clauses if clause.version.number == agreement.version or clause.pk in rows]
    return tuple(_line(clause, agreement, month, rows.get(clause.pk, 0)) for clause in counted)


def _clauses(agreement: Agreement) -> Iterator[Clause]:
    return agreement.clauses.select_related("version").order_by("version__number", "pk").iterator()


def _rows_read(agreement: Agreement, first: date, last: date) -> dict[date, dict[UUID, int]]:
    """Month → clause → rows."""
    span = {"read_at__gte": bounds_of(first)[0], "read_at__lt": bounds_of(last)[1]}
    reads = SharedRead.objects.filter(agreement=agreement, **span)
    sums = reads.annotate(month=TruncMonth("read_at", tzinfo=UTC)).values_list("month", "clause").order_by()
    found: dict[date, dict[UUID, int]] = {}
    for month, clause, n_rows in sums.annotate(Sum("n_rows")):
        found.setdefault(month.date(), {})[clause] = n_rows
    return found


def _line(clause: Clause, agreement: Agreement, month: date, rows_read: int) -> ClauseLine:
    quantity = _quantity(clause, agreement, month, rows_read)
    per = THOUSAND if clause.price_per == Clause.PricePer.THOUSAND_READS else 1
    amount = rounded(Fraction(quantity * (clause.price_minor or 0), per))
    place = (clause.site_id, clause.equipment_id)
    return ClauseLine(clause.pk, *place, rows_read, clause.price_minor, clause.price_per, quantity, amount)


def _quantity(clause: Clause, agreement: Agreement, month: date, rows_read: int) -> int:
    span = _in_force(clause, agreement, bounds_of(month))
    match clause.price_per:
        case Clause.PricePer.THOUSAND_READS:
            return rows_read
        case Clause.PricePer.DAY:
            return 0 if span is None else _days(span)
        case Clause.PricePer.MONTH:
            return int(span is not None)
        case Clause.PricePer.ONCE:
            began_at = _begins_at(clause, agreement)
            return int(span is not None and began_at is not None and began_at >= bounds_of(month)[0])
        case _:
            return 0


def _begins_at(clause: Clause, agreement: Agreement) -> datetime | None:
    begins = [moment for moment in (clause.during.lower, agreement.activated_at) if moment is not None]
    return None if agreement.activated_at is None else max(begins)


def _in_force(clause: Clause, agreement: Agreement, month: Span) -> Span | None:
    """The part of the month in which the clause was in force so far; None if there is none."""
    begins_at = _begins_at(clause, agreement)
    if begins_at is None:
        return None
    ends = [clause.during.upper, agreement.ended_at, agreement.ends_at, datetime.now(UTC), month[1]]
    span = max(begins_at, month[0]), min(moment for moment in ends if moment is not None)
    return span if span[0] < span[1] else None


def _days(span: Span) -> int:
    """Calendar days in UTC that the span touches."""
    last = span[1].astimezone(UTC) - timedelta(microseconds=1)
    return (last.date() - span[0].astimezone(UTC).date()).days + 1
