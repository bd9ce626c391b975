"""Calendar months in UTC, each named by its first day."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

MONTH: Final = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


def month_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date().replace(day=1)


def month_after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def bounds_of(month: date) -> tuple[datetime, datetime]:
    """From its first moment up to, and without, that of the next."""
    return _start(month), _start(month_after(month))


def read_month(text: str) -> date | None:
    """`2026-11` → its first day; None if it is no month."""
    found = MONTH.fullmatch(text)
    return date(int(found[1]), int(found[2]), 1) if found else None


def _start(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)
