"""A gateway whose clock is wrong: python -m tests.faults.skewed, with the gateway's own flags.

By how many seconds says the file `clock` beside the data directory, which is read at each look at the clock.
"""

import datetime
import runpy
import sys
import time
from pathlib import Path
from typing import Any

CLOCK = Path(sys.argv[sys.argv.index("--data-dir") + 1]).parent / "clock"
true_s = time.time


def wrong_by_s() -> float:
    return float(CLOCK.read_text()) if CLOCK.exists() else 0.0


class Skewed(datetime.datetime):
    @classmethod
    def now(cls, tz: Any = None) -> "Skewed":
        return super().now(tz) + datetime.timedelta(seconds=wrong_by_s())


if __name__ == "__main__":
    # Both before anything of the gateway is imported, so that all of it looks at this clock.
    datetime.datetime = Skewed  # type: ignore[misc]
    time.time = lambda: true_s() + wrong_by_s()
    runpy.run_module("edge_bridge.gateway", run_name="__main__", alter_sys=True)
