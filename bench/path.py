"""Terminals at 1 Hz through the whole path: terminal → gateway with rules → HTTP → cloud, with counts that reconcile.

    python -m bench.path [--terminals 5000] [--seconds 30 | --minutes 5] [--uplink http]

Needs the environment of a test cluster (see bench/README.md). Gateway and web server are processes of their own, as
they run at a mine and in the cloud; the terminals, one reading each, share connections by 25 and live in this one. Each
has a limit rule; one in 500 passes its limit for ten seconds out of thirty; one in ten passes a deadband. At the end:
what the terminals had taken = stored + filtered + quarantined + missing, alarms told = alarms kept, no hole.
CPU is user and system seconds of each process, without PostgreSQL's.
"""

import argparse
import asyncio
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect

from bench.scratch import scratch_database

TERMINALS_A_LINE = 25
HZ = os.sysconf("SC_CLK_TCK")
LIMIT = 1.0

RULE = """
[[rules]]
name = "limit of {code}"
equipment = "{code}"
tag = "ch4"
alarm_type = "methane"
deadband = 0.1
hi = {{ value = 1.0, severity = "high" }}
"""
DEADBAND = """
[[deadbands]]
equipment = "{code}"
tag = "ch4"
value = 0.3
override_s = 20
"""
READINGS = (
    '{"v":1,"type":"readings","terminal":"%s","session":"%s","n":%d,"equipment":"%s",'
    '"readings":[{"tag":"ch4","value":%.4f,"quality":"good","measured_at":"%s"}]}'
)
BIRTH = (
    '{"v":1,"type":"terminal_birth","terminal":"%s","session":"%s","n":1,'
    '"tags":[{"equipment":"%s","tag":"ch4","unit":"%%"}]}'
)

REPORT = """\
{n} terminals at 1 Hz for {seconds} s: {taken:,} readings taken, {refused} refused
produced {produced:,} = stored {stored:,} + filtered or thinned {missing:,} + quarantined {quarantined:,}
rows {rows:,}; imbalance {imbalance}
alarms: {alarms} changes must follow, {n_delays} kept; from reading to commit p50 {p50_s:.2f} s, p99 {p99_s:.2f} s
latest taken after {late_s:.2f} s; all in the cloud {drained_s:.0f} s after the end
CPU (cores): {cpu}
{verdict}"""


class Terminals:
    """Those of one connection; `late_s` is the longest from the moment of a reading to its `taken`."""

    def __init__(self, first: int, count: int) -> None:
        self.codes = [code_of(number) for number in range(first, first + count)]
        self.first = first
        self.sessions = [str(uuid4()) for _ in self.codes]
        self.taken = 0
        self.refused = 0
        self.late_s = 0.0

    async def speak(self, url: str, begins_s: float, seconds: int) -> None:
        async with connect(url, compression=None, proxy=None) as connection:
            for code, session in zip(self.codes, self.sessions, strict=True):
                await connection.send(BIRTH % (code, session, code))
            await self._hear(connection, len(self.codes))
            self.taken = 0
            for second in range(seconds):
                due_s = begins_s + second + (self.first % 1000) / 1000
                await asyncio.sleep(due_s - time.monotonic())
                await self._send(connection, second)
                self.late_s = max(self.late_s, time.monotonic() - due_s)

    async def _send(self, connection: ClientConnection, second: int) -> None:
        at = datetime.now(UTC).isoformat()
        for index, (code, session) in enumerate(zip(self.codes, self.sessions, strict=True)):
            value = value_of(self.first + index, second)
            await connection.send(READINGS % (code, session, second + 2, code, value, at))
        await self._hear(connection, len(self.codes))

    async def _hear(self, connection: ClientConnection, count: int) -> None:
        for _ in range(count):
            if '"taken"' in str(await connection.recv()):
                self.taken += 1
            else:
                self.refused += 1


def code_of(number: int) -> str:
    return f"GAS-{number:05}"


def value_of(number: int, second: int) -> float:
    is_high = number % 500 == 0 and 5 <= second % 30 < 15
    return LIMIT + 0.5 if is_high else 0.4 + 0.3 * math.sin(number + second / 10)


def main() -> None:
    options = _options()
    seconds = options.minutes * 60 or options.seconds
    with scratch_database():
        from tests.live import LiveWeb
        from tests.personas import aurora

        owner = aurora()
        register(owner, options.terminals)
        with (
            LiveWeb() as web,
            tempfile.TemporaryDirectory() as directory,
            gateway(Path(directory), owner, web.base_url, options) as process,
        ):
            assert web.process
            outcome = run(owner, Path(directory), process.pid, web.process.pid, options.terminals, seconds)
        print(report(outcome, options.terminals, seconds))
        sys.exit(0 if outcome["reconciles"] else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.path", description=__doc__)
    parser.add_argument("--terminals", type=int, default=5_000)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--minutes", type=int, default=0)
    parser.add_argument("--uplink", choices=["http", "websocket"], default="http")
    return parser.parse_args()


def register(owner: Any, n_terminals: int) -> None:
    from tenants.models import Equipment

    with owner.acting():
        rows = [
            Equipment(
                tenant_id=owner.id, site=owner.sites["north"], code=code_of(n), name=code_of(n), kind="gas_sensor"
            )
            for n in range(n_terminals)
        ]
        Equipment.objects.bulk_create(rows, batch_size=1_000)


@contextmanager
def gateway(
    directory: Path, owner: Any, cloud_url: str, options: argparse.Namespace
) -> Iterator[subprocess.Popen[bytes]]:
    from tests.integration.edge.scenes import gateway as enrolled

    edge = enrolled(owner)
    codes = [code_of(number) for number in range(options.terminals)]
    rules = [RULE.format(code=code) for code in codes]
    rules += [DEADBAND.format(code=code) for code in codes if int(code[-1]) == 1]
    (directory / "rules.toml").write_text("".join(rules))
    command = [sys.executable, "-m", "edge_bridge.gateway", "--edge", "north", "--uplink", options.uplink]
    command += ["--cloud-url", cloud_url, "--data-dir", str(directory), "--rules", str(directory / "rules.toml")]
    credential = {"DEVICE_CREDENTIAL": f"{edge.device.pk}.{edge.secret}", "NO_PROXY": "*"}
    process = subprocess.Popen(command, env={**os.environ, **credential})
    try:
        while not (directory / "port").exists():
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(30)


def run(owner: Any, directory: Path, gateway_pid: int, web_pid: int, n_terminals: int, seconds: int) -> dict[str, Any]:
    url = f"ws://127.0.0.1:{(directory / 'port').read_text().strip()}"
    lines = [
        Terminals(first, min(TERMINALS_A_LINE, n_terminals - first))
        for first in range(0, n_terminals, TERMINALS_A_LINE)
    ]
    pids = {"terminals": os.getpid(), "gateway": gateway_pid, "web": web_pid}
    before_s = {name: cpu_s(pid) for name, pid in pids.items()}
    asyncio.run(speak(lines, url, seconds))
    drained_s = drained(owner)
    used_s = {name: cpu_s(pid) - before_s[name] for name, pid in pids.items()}
    taken, refused = sum(line.taken for line in lines), sum(line.refused for line in lines)
    late_s = max(line.late_s for line in lines)
    counts = reconcile(owner, taken, told_alarms(n_terminals, seconds))
    return {**counts, "refused": refused, "late_s": late_s, "drained_s": drained_s, "cpu_s": used_s}


async def speak(lines: list[Terminals], url: str, seconds: int) -> None:
    begins_s = time.monotonic() + 5
    async with asyncio.TaskGroup() as group:
        for line in lines:
            group.create_task(line.speak(url, begins_s, seconds))


def told_alarms(n_terminals: int, seconds: int) -> int:
    """Raisings and clearings that must follow."""
    changes = 0
    for number in range(0, n_terminals, 500):
        high = [value_of(number, second) >= LIMIT for second in range(seconds)]
        changes += sum(was != now for was, now in zip([False, *high], high, strict=False))
    return changes


def drained(owner: Any) -> float:
    """Seconds until the cloud has everything: the last heartbeat balances and nothing more comes."""
    began_s, before = time.monotonic(), None
    while time.monotonic() - began_s < 120:
        counts = totals(owner)
        if counts == before and counts["imbalance"] == 0:
            break
        before = counts
        time.sleep(11)
    return time.monotonic() - began_s


def totals(owner: Any) -> dict[str, Any]:
    from edge_bridge import queries
    from edge_bridge.models import Watermark

    with owner.acting():
        lanes = {row.lane: row for row in Watermark.objects.filter(tenant=owner.id)}
        p2 = lanes["p2"]
        counted = {"stored": p2.stored, "missing": p2.missing, "quarantined": p2.quarantined}
        return {**counted, "produced": lanes["p1"].readings_produced, "imbalance": queries.imbalance(lanes["p1"])}


def reconcile(owner: Any, taken: int, alarms: int) -> dict[str, Any]:
    from edge_bridge.models import AlarmChange, Reading

    counts = totals(owner)
    with owner.acting():
        rows = Reading.objects.filter(tenant=owner.id).own().count()
        changes = AlarmChange.objects.filter(tenant=owner.id, alarm__alarm_type="methane.hi").own()
        delays_s = sorted(
            (recorded - occurred).total_seconds()
            for recorded, occurred in changes.values_list("recorded_at", "occurred_at")
        )
    adds_up = taken == counts["produced"] == counts["stored"] + counts["missing"] + counts["quarantined"]
    reconciles = adds_up and rows == counts["stored"] and len(delays_s) == alarms and counts["imbalance"] == 0
    return {**counts, "taken": taken, "rows": rows, "alarms": alarms, "delays_s": delays_s, "reconciles": reconciles}


def cpu_s(pid: int) -> float:
    """User and system; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / HZ


def report(outcome: dict[str, Any], n_terminals: int, seconds: int) -> str:
    told = {**outcome, "n": n_terminals, "seconds": seconds, "n_delays": len(outcome["delays_s"])}
    delays_s = outcome["delays_s"] or [0.0]
    told |= {"p50_s": percentile(delays_s, 0.5), "p99_s": percentile(delays_s, 0.99)}
    told["cpu"] = ", ".join(f"{name} {used:.1f} s ({used / seconds:.2f})" for name, used in outcome["cpu_s"].items())
    told["verdict"] = "counts reconcile" if outcome["reconciles"] else "COUNTS DO NOT RECONCILE"
    return REPORT.format(**told)


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


if __name__ == "__main__":
    main()
