"""The time zones that may be chosen."""

from functools import cache
from zoneinfo import available_timezones


@cache
def time_zones() -> frozenset[str]:
    """IANA names. Kept, since each answer of the library opens every one of its six hundred files."""
    return frozenset(available_timezones())
