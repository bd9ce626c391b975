"""iCalendar (RFC 5545) of what is to be done and by when. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from icalendar import Calendar
from icalendar import Event as Entry

PRODUCT = "-//cloudmining//service tasks//EN"
REFRESH_EACH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Appointment:
    """`uid` stays the same while it is about the same thing. Without `ends_at` it is a moment, or the whole day of
    `begins_at` in that one's own zone."""

    uid: str
    summary: str
    begins_at: datetime
    ends_at: datetime | None = None
    description: str = ""
    is_day: bool = False


def calendar_of(name: str, appointments: Iterable[Appointment], now: datetime) -> bytes:
    """Times are in UTC, which every program shows in its own zone; a day is the same day everywhere."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", REFRESH_EACH, {"VALUE": "DURATION"})
    for appointment in appointments:
        calendar.add_component(_entry(appointment, now))
    return bytes(calendar.to_ical())


def _entry(appointment: Appointment, now: datetime) -> Entry:
    entry = Entry()
    entry.add("uid", appointment.uid)
    entry.add("dtstamp", now.astimezone(UTC))
    begins_at = appointment.begins_at
    entry.add("dtstart", begins_at.date() if appointment.is_day else begins_at.astimezone(UTC))
    if appointment.ends_at is not None:
        entry.add("dtend", appointment.ends_at.astimezone(UTC))
    entry.add("summary", appointment.summary)
    if appointment.description:
        entry.add("description", appointment.description)
    return entry
