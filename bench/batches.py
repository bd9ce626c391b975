"""Readings from gateway batches over HTTP to commit, beside peers on the same rows: `python -m bench.batches`.

Ours: gateways post batches of 5,000 readings to a web server of its own process, each on a stream of its own; every
answer comes after its commit, and a batch sent again changes nothing. Peers, straight into PostgreSQL as a program of
one's own might write them, idempotent by a unique index on (series, time): executemany with ON CONFLICT DO NOTHING, and
one row a commit. They have no HTTP, no JSON, no check of rights and no newest values. CPU is user and system seconds.
"""

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg

from bench.path import cpu_s
from bench.scratch import scratch_database

BATCH = 5_000
SINGLE_ROWS = 1_000
CODES = ("GAS-T0-01", "FAN-01", "TRUCK-07", "PUMP-07")
TAGS = 5
PEER = """
CREATE TABLE public.peer (
  series int, measured_at timestamptz, value float8, quality int2, PRIMARY KEY (series, measured_at)
)
"""
INSERT = "INSERT INTO public.peer VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class Cost:
    """By the clock, and the CPU a reading of the program that talks to PostgreSQL: the web server, or the peer."""

    per_s: float
    cpu_us: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.batches", description=__doc__)
    parser.add_argument("--gateways", type=int, default=2)
    parser.add_argument("--batches", type=int, default=40, help="of each gateway")
    options = parser.parse_args()
    with scratch_database():
        from tests.live import LiveWeb
        from tests.personas import aurora

        owner = aurora()
        with LiveWeb() as web:
            assert web.process
            ours = over_http(owner, web.base_url, web.process.pid, options.gateways, options.batches)
        peers = {"executemany": executemany(), "one row a commit": one_row_a_commit()}
    for name, cost in {"batches over HTTP": ours, **peers}.items():
        ratio = f"ours is {ours.per_s / cost.per_s:.1f} times as fast"
        print(f"{name:18} {cost.per_s:8,.0f} readings/s   CPU {cost.cpu_us:6.1f} µs each   {ratio}")


def over_http(owner: Any, url: str, web_pid: int, n_gateways: int, n_batches: int) -> Cost:
    streams = [_opened(list(batches(owner, n_batches + 1))) for _ in range(n_gateways)]
    with ThreadPoolExecutor(n_gateways) as pool, httpx.Client(base_url=url, timeout=60) as client:
        list(pool.map(lambda stream: post(client, stream[0], stream[1][:1]), streams))
        with measured(web_pid, n_gateways * n_batches * BATCH) as cost:
            list(pool.map(lambda stream: post(client, stream[0], stream[1][1:]), streams))
    assert stored(owner) == n_gateways * (n_batches + 1) * BATCH
    return cost[0]


@contextmanager
def measured(pid: int, readings: int) -> Iterator[list[Cost]]:
    """Filled when the block has ended."""
    cost: list[Cost] = []
    began_s, before_s = time.perf_counter(), cpu_s(pid)
    yield cost
    taken_s = time.perf_counter() - began_s
    cost.append(Cost(readings / taken_s, (cpu_s(pid) - before_s) / readings * 1e6))


def _opened(stream: list[tuple[dict[str, str], bytes]]) -> tuple[dict[str, str], list[bytes]]:
    return stream[0][0], [body for _, body in stream]


def post(client: httpx.Client, headers: dict[str, str], bodies: list[bytes]) -> None:
    for body in bodies:
        answer = client.post("/api/v1/edge/batches", content=body, headers=headers)
        assert answer.status_code == 200, answer.text


def batches(owner: Any, count: int) -> Iterator[tuple[dict[str, str], bytes]]:
    """Of one gateway: its header with each encoded batch, a millisecond between two readings."""
    from edge_bridge.protocol import Lane, Quality, Reading, encode
    from tests.integration.edge.scenes import gateway

    edge = gateway(owner)
    headers = {"Authorization": edge.authorization, "Content-Type": "application/json"}
    for at, index in ((datetime.now(UTC) - timedelta(hours=1), index) for index in range(count)):
        bodies = [
            Reading(
                CODES[n % 4], f"tag {n % TAGS}", float(n), Quality.GOOD, at + timedelta(milliseconds=index * BATCH + n)
            )
            for n in range(BATCH)
        ]
        yield headers, encode(edge.batch(Lane.P2, *bodies))


def stored(owner: Any) -> int:
    from edge_bridge.models import Reading

    with owner.acting():
        return Reading.objects.filter(tenant=owner.id).own().count()


def rows(count: int) -> list[tuple[int, datetime, float, int]]:
    at = datetime.now(UTC)
    return [(n % (len(CODES) * TAGS), at + timedelta(milliseconds=n), float(n), 0) for n in range(count)]


def executemany() -> Cost:
    """In transactions of as many rows as our batches."""
    many = rows(BATCH * 8)
    with peer_table() as database, measured(os.getpid(), len(many)) as cost:
        for first in range(0, len(many), BATCH):
            with database.transaction(), database.cursor() as cursor:
                cursor.executemany(INSERT, many[first : first + BATCH])
    return cost[0]


def one_row_a_commit() -> Cost:
    with peer_table() as database, measured(os.getpid(), SINGLE_ROWS) as cost:
        for row in rows(SINGLE_ROWS):
            database.execute(INSERT, row)
    return cost[0]


@contextmanager
def peer_table() -> Iterator[psycopg.Connection]:
    """In the database of this run, as its administrator."""
    name = urlsplit(os.environ["DATABASE_URL"]).path[1:]
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], dbname=name, autocommit=True) as database:
        database.execute(PEER)
        yield database
        database.execute("DROP TABLE public.peer")


if __name__ == "__main__":
    main()
