"""The shifts of a site, in its own time zone. Pure.

A production day begins with the first shift. Ends are moments of the wall clock, so that shifts which follow each
other on paper do so also in the night when clocks change: one of them is an hour longer, or shorter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from tenants.data import FieldError, Invalid

MOST_SHIFTS: Final = 6
EVERY_DAY: Final = frozenset(range(7))
HOUR: Final = timedelta(hours=1)
_MONDAY: Final = date(2024, 1, 1)


@dataclass(frozen=True, slots=True)
class ShiftRule:
    """`begins` to `ends` of the wall clock, the next day's if not later. `weekdays`: 0 is Monday, when it begins."""

    name: str
    begins: time
    ends: time
    weekdays: frozenset[int] = EVERY_DAY

    def ends_on(self, day: date) -> date:
        return day if self.ends > self.begins else day + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shift:
    name: str
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Calendar:
    zone: ZoneInfo
    rules: tuple[ShiftRule, ...]

    @property
    def day_begins(self) -> time:
        return self.rules[0].begins

    def day(self, day: date) -> tuple[datetime, datetime]:
        """A production day: 24 hours, or 23 or 25 where clocks change."""
        return self._at(day, self.day_begins), self._at(day + timedelta(days=1), self.day_begins)

    def day_of(self, moment: datetime) -> date:
        day = moment.astimezone(self.zone).date()
        begins_at, ends_at = self.day(day)
        if moment < begins_at:
            return day - timedelta(days=1)
        return day if moment < ends_at else day + timedelta(days=1)

    def shifts(self, day: date) -> list[Shift]:
        """Those that begin in the production day, in order."""
        begins_at, ends_at = self.day(day)
        found = [shift for each in (day, day + timedelta(days=1)) for shift in self._beginning_on(each)]
        return [shift for shift in found if begins_at <= shift.begins_at < ends_at]

    def shifts_between(self, since: datetime, until: datetime) -> list[Shift]:
        """Those with a part in the span, in order."""
        day, last = self.day_of(since) - timedelta(days=1), self.day_of(until)
        found: list[Shift] = []
        while day <= last:
            found += self.shifts(day)
            day += timedelta(days=1)
        return [shift for shift in found if shift.begins_at < until and since < shift.ends_at]

    def _beginning_on(self, day: date) -> Iterator[Shift]:
        for rule in sorted(self.rules, key=lambda rule: rule.begins):
            if day.weekday() in rule.weekdays:
                begins_at, ends_at = self._at(day, rule.begins), self._at(rule.ends_on(day), rule.ends)
                if begins_at < ends_at:
                    yield Shift(rule.name, begins_at, ends_at)

    def _at(self, day: date, moment: time) -> datetime:
        return datetime.combine(day, moment, self.zone).astimezone(UTC)


USUAL: Final = (ShiftRule("day", time(6), time(18)), ShiftRule("night", time(18), time(6)))


def calendar_of(zone: str, rules: Sequence[ShiftRule] = USUAL) -> Calendar:
    """Invalid if there is no shift, there are too many, or two overlap."""
    if not 1 <= len(rules) <= MOST_SHIFTS:
        raise Invalid("A site has shifts.", (FieldError("/shifts", f"give 1 to {MOST_SHIFTS}"),))
    if len({rule.name for rule in rules}) < len(rules):
        raise Invalid("Two shifts have the same name.", (FieldError("/shifts", "name each another way"),))
    # In a zone whose clocks never change, over a week and the next one's beginning, since the last night reaches there.
    week = Calendar(ZoneInfo("UTC"), tuple(rules))
    found = sorted(
        (shift for n in range(9) for shift in week._beginning_on(_MONDAY + timedelta(days=n))),
        key=lambda shift: shift.begins_at,
    )
    for first, second in pairwise(found):
        if second.begins_at < first.ends_at:
            names = f"'{first.name}' and '{second.name}'"
            raise Invalid("Shifts overlap.", (FieldError("/shifts", f"end {names} before the next begins"),))
    return Calendar(ZoneInfo(zone), tuple(rules))


def hours(begins_at: datetime, ends_at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """A span hour by hour from its beginning; the last may be shorter."""
    while begins_at < ends_at:
        yield begins_at, min(begins_at + HOUR, ends_at)
        begins_at += HOUR
