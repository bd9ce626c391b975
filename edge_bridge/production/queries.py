"""What machines did and hauled, under the open identity: own machines, and those whose production a partner opened."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from edge_bridge.models import HauledLoad, PlannedRate, ShiftHandover, ShiftRow, StateInterval, StopCorrection
from edge_bridge.production.cycles import Load
from edge_bridge.production.figures import Cause, Figures, causes, figures_of, hour_by_hour, total
from edge_bridge.production.intervals import Correction, Interval, clipped, corrected, filled, joined, scheduled
from edge_bridge.production.shifts import USUAL, Calendar, Shift, ShiftRule, calendar_of
from edge_bridge.production.time_model import WORKING, Category, categorise
from edge_bridge.protocol.machine import LoadKind, MachineState, StopReason
from tenants.api import actor
from tenants.data import FieldError, Invalid
from tenants.models import Equipment, Site

# A machine that was silent for so long is no part of a site's production any more.
SILENT: Final = timedelta(days=31)
# What is read before a span, so that a stop which began earlier isn't taken for one that began with it.
BEFORE: Final = timedelta(hours=1)
# No machine was heard before; the shifts of the first and the last days that there are would end outside the calendar.
FIRST_DAY: Final = date(1970, 1, 1)


@dataclass(frozen=True)
class Span:
    """A production day of a site or a shift of it; `until` is no later than now."""

    site: Site
    day: date
    shift: str
    since: datetime
    until: datetime
    shifts: tuple[Shift, ...]


@dataclass(frozen=True)
class MachineReport:
    """`hours`: the strip of short-interval control, when each began and its figures."""

    equipment: Equipment
    intervals: list[Interval]
    figures: Figures
    hours: list[tuple[datetime, Figures]]
    masked: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    span: Span
    machines: list[MachineReport]

    @property
    def figures(self) -> Figures:
        return total(machine.figures for machine in self.machines)

    @property
    def hours(self) -> list[tuple[datetime, Figures]]:
        strips = zip(*(machine.hours for machine in self.machines), strict=True)
        return [(strip[0][0], total(figures for _, figures in strip)) for strip in strips]

    @property
    def causes(self) -> list[Cause]:
        stood = [one for machine in self.machines for one in machine.intervals]
        return causes(stood, self.span.since, self.span.until)


def calendar(site: Site) -> Calendar:
    rows = ShiftRow.objects.filter(site=site).order_by("place")
    rules = [ShiftRule(row.name, row.begins, row.ends, frozenset(row.weekdays)) for row in rows]
    return calendar_of(site.time_zone, rules or USUAL)


def span_of(site: Site, *, day: date | None = None, shift: str = "", now: datetime | None = None) -> Span:
    """The production day, today's if none is named, or its shift of that name.

    Invalid if none, before FIRST_DAY, or yet to come.
    """
    now = now or datetime.now(UTC)
    kept = calendar(site)
    today = kept.day_of(now)
    day = day or today
    if not FIRST_DAY <= day <= today:
        raise Invalid("Nothing is known of that day.", (FieldError("/day", f"give a day from {FIRST_DAY} to today"),))
    since, until = kept.day(day)
    if shift:
        since, until = _of_shift(kept.shifts(day), shift)
    if since >= now:
        raise Invalid("That is yet to come.", (FieldError("/shift", "give one that has begun"),))
    until = min(until, now)
    return Span(site, day, shift, since, until, tuple(kept.shifts_between(since - BEFORE, until)))


def span_between(site: Site, since: datetime, until: datetime) -> Span:
    """Any time of a site."""
    kept = calendar(site)
    return Span(site, kept.day_of(since), "", since, until, tuple(kept.shifts_between(since - BEFORE, until)))


def report(span: Span, machines: Sequence[Equipment] | None = None) -> Report:
    """Of these machines, or of all that were heard at the site lately."""
    found = list(machines_at(span.site, span.until) if machines is None else machines)
    stood, loads, rates = intervals_at(span, found), _loads_of(span, found), _rates_of(span, found)
    return Report(span, [_of_machine(span, each, stood[each.pk], loads[each.pk], rates.get(each.pk)) for each in found])


def machines_at(site: Site, until: datetime) -> QuerySet[Equipment]:
    """Those of the site of which a state was heard in the month before."""
    heard = StateInterval.objects.filter(
        equipment=OuterRef("pk"), site=site, begins_at__gte=until - SILENT, begins_at__lt=until
    )
    return Equipment.objects.filter(Exists(heard), tenant=site.tenant_id).order_by("code")


def intervals_at(span: Span, machines: Sequence[Equipment]) -> dict[UUID, list[Interval]]:
    """By machine: cover from BEFORE the span to its end, as measured, in shifts, with what was said of it."""
    since, until = span.since - BEFORE, span.until
    lasts = {**_at(span, machines), "ends_at__gt": since, "begins_at__lt": until}
    measured, said = defaultdict(list), defaultdict(list)
    for row in StateInterval.objects.filter(**lasts).order_by("begins_at"):
        measured[row.equipment_id].append(_measured(row))
    for row in StopCorrection.objects.filter(**lasts).order_by("pk"):
        said[row.equipment_id].append(_said(row))
    shifts = [(shift.begins_at, shift.ends_at) for shift in span.shifts]
    return {
        each.pk: corrected(scheduled(list(filled(joined(measured[each.pk]), since, until)), shifts), said[each.pk])
        for each in machines
    }


def stops(found: MachineReport, span: Span) -> list[Interval]:
    """When it didn't work in the span, the latest first."""
    stood = [one for one in clipped(found.intervals, span.since, span.until) if one.category not in WORKING]
    return stood[::-1]


def corrections_of(machine: Equipment) -> QuerySet[StopCorrection]:
    return StopCorrection.objects.filter(equipment=machine)


def handovers_of(site: Site) -> QuerySet[ShiftHandover]:
    return ShiftHandover.objects.filter(site=site)


def handovers_to_sign() -> QuerySet[ShiftHandover]:
    """Own ones that the outgoing shift signed, for which the actor may sign next; the newest first."""
    waiting = ShiftHandover.objects.filter(outgoing__isnull=False, incoming=None).exclude(outgoing=actor().user_id)
    return waiting.select_related("site").order_by("-begins_at")


def _at(span: Span, machines: Sequence[Equipment]) -> dict[str, Any]:
    return {"site": span.site, "equipment__in": machines}


def _loads_of(span: Span, machines: Sequence[Equipment]) -> dict[UUID, list[HauledLoad]]:
    found: dict[UUID, list[HauledLoad]] = defaultdict(list)
    dumped = HauledLoad.objects.filter(**_at(span, machines), dumped_at__gte=span.since, dumped_at__lt=span.until)
    for row in dumped.order_by("dumped_at"):
        found[row.equipment_id].append(row)
    return found


def _rates_of(span: Span, machines: Sequence[Equipment]) -> dict[UUID, PlannedRate]:
    return {row.equipment_id: row for row in PlannedRate.objects.filter(**_at(span, machines))}


def _of_machine(
    span: Span, machine: Equipment, intervals: list[Interval], rows: list[HauledLoad], rate: PlannedRate | None
) -> MachineReport:
    masked = {name for row in (*rows, rate) if row for name in row.masked}
    loads = [Load(row.begins_at, row.dumped_at, row.payload_t, LoadKind(row.kind)) for row in rows]
    # No plan is compared with tonnes that are hidden: they would look like none.
    rate_t_per_h = rate.t_per_h if rate and "payload_t" not in masked else None
    whole = figures_of(intervals, loads, since=span.since, until=span.until, rate_t_per_h=rate_t_per_h)
    hours = hour_by_hour(intervals, loads, since=span.since, until=span.until, rate_t_per_h=rate_t_per_h)
    return MachineReport(machine, intervals, whole, hours, masked=tuple(sorted(masked)))


def _of_shift(shifts: Sequence[Shift], name: str) -> tuple[datetime, datetime]:
    for shift in shifts:
        if shift.name == name:
            return shift.begins_at, shift.ends_at
    names = ", ".join(shift.name for shift in shifts)
    raise Invalid("The day has no such shift.", (FieldError("/shift", f"one of {names}"),))


def _measured(row: StateInterval) -> Interval:
    state, reason = MachineState(row.state), StopReason(row.stop_reason)
    return Interval(row.begins_at, row.ends_at, state, reason, categorise(state, reason))


def _said(row: StopCorrection) -> Correction:
    return Correction(row.begins_at, row.ends_at, Category(row.category) if row.category else None)
