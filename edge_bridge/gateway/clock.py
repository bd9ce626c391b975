"""A wall clock may be put, as when a gateway without a battery learns the time; silence must not be judged by it."""

import time
from datetime import timedelta

LEAST_S = 1.0  # less is drift, and the reading of two clocks one after the other


class Clock:
    def __init__(self) -> None:
        self._ahead_s = _ahead_s()

    def put_by(self) -> timedelta:
        """By how much the wall clock was put, forward or back, since this was last asked."""
        was_s, ahead_s = self._ahead_s, _ahead_s()
        if abs(ahead_s - was_s) < LEAST_S:
            return timedelta(0)
        self._ahead_s = ahead_s
        return timedelta(seconds=ahead_s - was_s)


def _ahead_s() -> float:
    """Of the clock that nobody puts."""
    return time.time() - time.monotonic()
