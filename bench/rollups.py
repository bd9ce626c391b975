"""What it costs to sum readings up: `python -m bench.rollups`, with the servers of the tests.

Each round `record` takes 200 series at 1 Hz for a minute, in batches of 4,000; then a sweep makes the minutes and their
hours from what it left to be summed up. Beside it the peer, one GROUP BY over the same minute into a table of the
session: no hours, nothing repeated told, no late data, no row-level security. Medians are printed, and how much longer
readings take with their roll-ups than without.
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

from bench.scratch import scratch_database

CODES = ("GAS-T0-01", "FAN-01", "TRUCK-07", "PUMP-07")
TAGS, SECONDS, BATCH = 50, 60, 4_000
READINGS = len(CODES) * TAGS * SECONDS
GROUP_BY = """
INSERT INTO pg_temp.peer
SELECT series_id, date_bin('1 min', measured_at, 'epoch'), count(*), min(value), max(value), avg(value)
  FROM edge_bridge_reading WHERE measured_at >= %s AND measured_at < %s GROUP BY 1, 2
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.rollups", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with scratch_database():
        bench = Bench()
        ways: dict[str, Callable[[], None]] = {
            "record": bench.record,
            "roll up": bench.roll_up,
            "GROUP BY": bench.group_by,
        }
        taken_s: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds + 1):  # the first warms up
            for name, way in ways.items():
                began_s = time.perf_counter()
                way()
                taken_s[name].append(time.perf_counter() - began_s)
    report({name: median(times[1:]) for name, times in taken_s.items()})


def report(median_s: dict[str, float]) -> None:
    for name, seconds in median_s.items():
        print(f"{name:10} {READINGS / seconds:10,.0f} readings/s")
    print(f"a roll-up takes {median_s['roll up'] / median_s['record']:.2f} times as long as the record of its readings")
    print(f"and {median_s['roll up'] / median_s['GROUP BY']:.1f} times as long as the bare GROUP BY")


class Bench:
    """One organisation, one gateway, 200 series, a minute of them in each round."""

    def __init__(self) -> None:
        from tests import personas
        from tests.integration.edge.scenes import gateway

        self.owner = personas.aurora()
        self.edge = gateway(self.owner)
        self.minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=3)

    def record(self) -> None:
        from edge_bridge.protocol import Lane, Quality, Reading

        self.minute += timedelta(minutes=1)
        points = [(code, f"tag {n}") for code in CODES for n in range(TAGS)]
        said = [
            Reading(code, tag, float(second % 7), Quality.GOOD, self.minute + timedelta(seconds=second))
            for second in range(SECONDS)
            for code, tag in points
        ]
        for start in range(0, len(said), BATCH):
            self.edge.say(Lane.P2, *said[start : start + BATCH])

    def roll_up(self) -> None:
        from edge_bridge.readings.rolling import sweep_rollups

        assert sweep_rollups(datetime.now(UTC)) == len(CODES) * TAGS

    def group_by(self) -> None:
        from django.db import connections

        from tenants.context import as_platform

        with as_platform("bench", "one GROUP BY"), connections["platform"].cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE IF NOT EXISTS peer (series_id uuid, begins_at timestamptz, n bigint,"
                " lowest float8, highest float8, mean float8)"
            )
            cursor.execute(GROUP_BY, [self.minute, self.minute + timedelta(minutes=1)])


if __name__ == "__main__":
    main()
