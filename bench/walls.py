"""What row-level security costs on a million alarms: the same reads past the policies, and by guardian's generic way.

    python -m bench.walls [--tenants 500] [--alarms 1000000] [--rounds 60] [--keep NAME]

Needs the environment of a test cluster on this machine (`DATABASE_ADMIN_URL` and its siblings); makes a database of its
own, with 200 grants to each tenant, and drops it, or with `--keep` leaves it under that name for the next run.

Each read is the one that the product makes, with the identity set. It runs in turns over a connection of the
application's role and over one of the platform's role, which passes the policies and does all else alike. Figures are
medians; since others may work on the machine, ratios are those of CPU time, of this process and its server process.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.scratch import scratch_database
from bench.wall_rows import fill

Query = tuple[str, tuple[Any, ...]]
WARM_UP = 3


@dataclass(frozen=True)
class Cost:
    """Of one read, in milliseconds; `cpu_ms` by the server's process alone is `server_ms`."""

    clock_ms: float
    cpu_ms: float
    server_ms: float

    def words(self) -> str:
        return f"{self.clock_ms:8.2f}{self.cpu_ms:8.2f}{self.server_ms:8.2f}"


def main() -> None:
    options = _options()
    with scratch_database(options.keep) as is_new:
        if is_new:
            begun = time.perf_counter()
            fill(options.tenants, options.alarms)
            print(f"filled in {time.perf_counter() - begun:.0f} s")
        _compare(_reader(), options.rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenants", type=int, default=500)
    parser.add_argument("--alarms", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--keep", default="", metavar="NAME", help="leave the database for the next run")
    return parser.parse_args()


def _reader() -> Any:
    """A new member of the first organisation, in the group that its grants name."""
    from tenants.actions import admit_member
    from tenants.context import as_platform
    from tenants.data import Actor
    from tenants.models import Tenant, User

    with as_platform("bench", "a reader"):
        tenant = Tenant.objects.get(slug="bench-0")
        email = f"reader-{time.time_ns()}@example.com"
        user = User.objects.create_user(email, "ore-and-rails-2026", name="Reader")
        admit_member(tenant=tenant, user=user, roles=["owner"])
    return Actor(tenant.pk, user.pk, frozenset({"owner"}), "bench:walls")


def _compare(reader: Any, rounds: int) -> None:
    statements = _statements(reader)
    reads = {f"statement: {what}": _run_statement(reader, query) for what, query in statements.items()}
    reads |= _through_code(reader) | _requests(reader)
    print(f"load {os.getloadavg()[0]:.1f}; milliseconds: clock, CPU, of it the server's; behind, past the policies")
    behind = {what: _both_ways(what, read, rounds) for what, read in reads.items()}
    guardians = _median([_cost(_guardian(reader)) for _ in range(WARM_UP + rounds)][WARM_UP:])
    print(f"{'list, shared: guardian, generic table':40}{guardians.words()}")
    own, both, shared = (behind[f"statement: {what}"].server_ms for what in statements)
    print(f"own and shared notices / own list: {both / own:.2f} (target 3); shared list / own list: {shared / own:.2f}")
    for what, query in statements.items():
        print(f"{what}\n" + "".join(f"    {line}\n" for line in _plan(reader, query)), end="")


def _statements(reader: Any) -> dict[str, Query]:
    """Notices are what the organisation was told, own and shared, as its feed keeps it: one row a recipient."""
    from edge_bridge.queries import alarms
    from tenants.context import acting_as
    from tenants.models import FeedEvent

    with acting_as(reader):
        rows = {
            "own alarms": alarms().order_by("-pk"),
            "own and shared notices": FeedEvent.objects.filter(tenant=reader.tenant_id).order_by("-seq"),
            "shared alarms": alarms(shared=True).order_by("-pk"),
        }
        return {what: found[:50].query.sql_with_params() for what, found in rows.items()}


def _run_statement(reader: Any, query: Query) -> Callable[[], Any]:
    from django.db import connection

    from tenants.context import acting_as

    def run() -> Any:
        with acting_as(reader), connection.cursor() as cursor:
            cursor.execute(*query)
            assert len(cursor.fetchall()) == 50

    return run


def _through_code(reader: Any) -> dict[str, Callable[[], Any]]:
    """Each in a transaction of its own, as a request is; shared rows are recorded and metered in it."""
    from edge_bridge.access import get_alarm
    from edge_bridge.queries import alarms
    from tenants.context import acting_as
    from tenants.sharing.api import explain

    def acted(read: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            with acting_as(reader):
                return read()

        return run

    def newest(shared: bool) -> list[Any]:
        return list(alarms(shared=shared).order_by("-pk")[:50])

    own, shared = (acted(partial(newest, side))()[0].pk for side in (False, True))
    return {
        "list, own": acted(partial(newest, False)),
        "list, shared": acted(partial(newest, True)),
        "single get, own": acted(partial(get_alarm, own)),
        "single get, shared": acted(partial(get_alarm, shared)),
        "explain, own": acted(partial(explain, f"alarm:{own}")),
        "explain, shared": acted(partial(explain, f"alarm:{shared}")),
    }


def _requests(reader: Any) -> dict[str, Callable[[], Any]]:
    from datetime import UTC, datetime, timedelta

    from rest_framework.test import APIClient

    from tenants.actions import make_api_key
    from tenants.context import acting_as

    with acting_as(reader):
        expires_at = datetime.now(UTC) + timedelta(hours=1)
        _, secret = make_api_key(name="bench", scopes=["view_alarms"], expires_at=expires_at)
    client = APIClient(SERVER_NAME="127.0.0.1")
    client.credentials(HTTP_AUTHORIZATION=f"Api-Key {secret}")

    def get(path: str) -> None:
        answer = client.get(path)
        assert answer.status_code == 200, answer.content

    paths = ("/api/v1/alarms", "/api/v1/alarms?shared=true")
    return {f"GET {path}": partial(get, path) for path in paths}


def _guardian(reader: Any) -> Callable[[], Any]:
    """The peer: the same grants in guardian's generic table, asked by its shortcut; nothing is recorded."""
    from unittest.mock import patch  # guardian chooses its table by the model; this is the way to its generic one

    from guardian import shortcuts
    from guardian.models import GroupObjectPermission

    from edge_bridge.models import Alarm
    from tenants.context import as_platform
    from tenants.models import Site, User

    def run() -> None:
        with as_platform("bench", "guardian's generic way") as current:
            current.leaves_trace = False
            user = User.objects.get(pk=reader.user_id)
            with patch.object(shortcuts, "get_group_obj_perms_model", lambda *_: GroupObjectPermission):
                sites = shortcuts.get_objects_for_user(user, "view_alarms", Site, accept_global_perms=False)
                found = Alarm.objects.select_related("equipment", "site").filter(site__in=sites)
                assert len(list(found.order_by("-pk")[:50])) == 50

    return run


def _both_ways(what: str, run: Callable[[], Any], rounds: int) -> Cost:
    """What it costs behind the policies; prints that beside what it costs past them."""
    with _past_the_policies() as past:
        pairs = [(_cost(run), past(lambda: _cost(run))) for _ in range(WARM_UP + rounds)][WARM_UP:]
    behind, free = (_median([pair[side] for pair in pairs]) for side in (0, 1))
    ratios = f"{behind.cpu_ms / free.cpu_ms:8.2f}{behind.server_ms / free.server_ms:8.2f}"
    print(f"{what:40}{behind.words()}{free.words()}{ratios}", flush=True)
    return behind


@contextmanager
def _past_the_policies() -> Iterator[Callable[[Callable[[], Cost]], Cost]]:
    """Gives what lets a read go over a connection of the platform's role that stands in for the application's."""
    from django.db import connections

    ours, other = connections["default"], connections.create_connection("platform")
    other.alias = "default"

    def past(read: Callable[[], Cost]) -> Cost:
        connections["default"] = other
        try:
            return read()
        finally:
            connections["default"] = ours

    try:
        yield past
    finally:
        other.close()


def _cost(run: Callable[[], Any]) -> Cost:
    begun = time.perf_counter(), time.process_time(), _server_s()
    run()
    ended = time.perf_counter(), time.process_time(), _server_s()
    clock_s, mine_s, server_s = (end - begin for begin, end in zip(begun, ended, strict=True))
    return Cost(1000 * clock_s, 1000 * (mine_s + server_s), 1000 * server_s)


def _server_s() -> float:
    """CPU seconds so far of the server processes, on this machine, that the open connections talk to."""
    from django.db import connections

    for connection in connections.all():
        connection.ensure_connection()
    pids = {connection.connection.info.backend_pid for connection in connections.all()}
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e9


def _median(costs: list[Cost]) -> Cost:
    names = ("clock_ms", "cpu_ms", "server_ms")
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in names))


def _plan(reader: Any, query: Query) -> list[str]:
    from django.db import connection

    from tenants.context import acting_as

    with acting_as(reader), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, BUFFERS OFF, SUMMARY) {query[0]}", query[1])
        lines = [row[0] for row in cursor.fetchall()]
    return [line[:150] for line in lines if "Filter" not in line or "Removed" in line]


if __name__ == "__main__":
    main()
