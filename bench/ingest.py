"""What `record` costs beside its peers, in one run: `python -m bench.ingest`, with the servers of the tests.

Readings: batches of 5,000 through `record` (watermark, series look-up, stage, newest values) beside the same rows by
Django's bulk_create, and by bare COPY as the upper bound (no watermark, no newest values, past row-level security).
Alarms: one raising a transaction, and 200 in one, through `record` (watermark, state table, history, feed) beside
get_or_create of the same rows, which has none of these. Rounds take turns, so that a busy machine is busy for all;
medians are printed.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from bench.scratch import scratch_database

BATCH = 5_000
ALARMS_A_ROUND = 200
CODES = ("GAS-T0-01", "FAN-01", "TRUCK-07", "PUMP-07")
TAGS = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with scratch_database():
        bench = Bench()
        readings = {"record": bench.record, "bulk_create": bench.bulk_create, "COPY": bench.copy}
        report("readings/s", BATCH, take_turns(readings, rounds))
        alarms = {
            "record": bench.record_alarms,
            "record at once": bench.record_alarms_at_once,
            "get_or_create": bench.get_or_create_alarms,
        }
        report("alarms/s", ALARMS_A_ROUND, take_turns(alarms, rounds))


def take_turns(ways: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Median seconds of a round, by way; the first round warms up and is not counted."""
    taken_s: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            began_s = time.perf_counter()
            way()
            taken_s[name].append(time.perf_counter() - began_s)
    return {name: statistics.median(times[1:]) for name, times in taken_s.items()}


def report(what: str, size: int, median_s: dict[str, float]) -> None:
    ours = median_s["record"]
    for name, seconds in median_s.items():
        print(f"{what:10} {name:15} {size / seconds:10,.0f}   record is {seconds / ours:.2f} times as fast")


class Bench:
    """One organisation, one gateway, twenty series."""

    def __init__(self) -> None:
        from tests import personas
        from tests.integration.edge.scenes import gateway

        self.owner = personas.aurora()
        self.edge = gateway(self.owner)
        self.at = datetime.now(UTC) - timedelta(hours=1)
        self.numbers = count()
        self.record()
        self.series = self._series()

    def record(self) -> None:
        from edge_bridge.protocol import Lane, Quality, Reading

        bodies = [Reading(code, tag, value, Quality.GOOD, at) for code, tag, at, value in self._samples()]
        self.edge.say(Lane.P2, *bodies)

    def bulk_create(self) -> None:
        from edge_bridge.models import Latest, Reading

        with self.owner.acting():
            rows = [
                Reading(
                    tenant_id=self.owner.id, series_id=self.series[code, tag], measured_at=at, value=value, quality=0
                )
                for code, tag, at, value in self._samples()
            ]
            Reading.objects.bulk_create(rows, batch_size=1000)
            newest = {row.series_id: row for row in rows}.values()
            Latest.objects.bulk_create(
                [
                    Latest(
                        tenant_id=row.tenant_id,
                        series_id=row.series_id,
                        measured_at=row.measured_at,
                        value=row.value,
                        quality=0,
                    )
                    for row in newest
                ],
                update_conflicts=True,
                unique_fields=["tenant", "series"],
                update_fields=["measured_at", "value", "quality"],
            )

    def copy(self) -> None:
        from django.db import connections

        from tenants.context import as_platform

        columns = "tenant_id, series_id, measured_at, value, quality"
        statement = f"COPY edge_bridge_reading ({columns}) FROM STDIN (FORMAT BINARY)"
        with (
            as_platform("bench", "upper bound"),
            connections["platform"].cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            copy.set_types(["uuid", "uuid", "timestamptz", "float8", "int2"])
            for code, tag, at, value in self._samples():
                copy.write_row((self.owner.id, self.series[code, tag], at, value, 0))

    def record_alarms(self) -> None:
        from edge_bridge.protocol import Lane
        from tests.integration.edge.scenes import raised

        for _ in range(ALARMS_A_ROUND):
            self.edge.say(Lane.P0, raised(alarm_type=f"type {next(self.numbers)}"))

    def record_alarms_at_once(self) -> None:
        from edge_bridge.protocol import Lane
        from tests.integration.edge.scenes import raised

        types = [f"type {next(self.numbers)}" for _ in range(ALARMS_A_ROUND)]
        self.edge.say(Lane.P0, *[raised(alarm_type=name) for name in types])

    def get_or_create_alarms(self) -> None:
        from edge_bridge.models import Alarm

        fields = {"severity": "critical", "tag": "CH4", "value": 1.2, "limit": 1.0, "rule": "ch4", "historical": False}
        for _ in range(ALARMS_A_ROUND):
            now = datetime.now(UTC)
            with self.owner.acting():
                Alarm.objects.get_or_create(
                    tenant_id=self.owner.id,
                    equipment=self.owner.equipment["GAS-T0-01"],
                    alarm_type=f"type {next(self.numbers)}",
                    state="UNACK",
                    defaults={
                        **fields,
                        "site": self.owner.sites["north"],
                        "device": self.edge.device,
                        "raised_at": now,
                        "occurred_at": now,
                        "received_at": now,
                    },
                )

    def _samples(self) -> list[tuple[str, str, datetime, float]]:
        names = [(code, f"tag {n}") for code in CODES for n in range(TAGS)]
        self.at += timedelta(milliseconds=BATCH)
        return [(*names[n % len(names)], self.at + timedelta(milliseconds=n - BATCH), float(n)) for n in range(BATCH)]

    def _series(self) -> dict[tuple[str, str], Any]:
        from edge_bridge.models import Series

        with self.owner.acting():
            return {(row.equipment.code, row.tag): row.pk for row in Series.objects.select_related("equipment")}


if __name__ == "__main__":
    main()
