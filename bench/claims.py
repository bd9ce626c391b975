"""Claims a second through the action, beside the least that could be called a claim: a bare UPDATE.

    python -m bench.claims [--claims 200] [--connections 8] [--crowd 256] [--statements]

Needs the environment of a test cluster (`DATABASE_ADMIN_URL` and its siblings); makes a database of its own and drops
it. All sides run on the same server, with as many connections, and commit each claim by itself. The UPDATE is sent by
psycopg from this process, by pgbench, and by psql: a script of many, and psql started for each. The action does what
the UPDATE does not: it sets the identity, writes agreement, text, clause, signatures, grants and claim, enters it in
two ledgers, and tells and meters two feeds.

`--statements` prints what one claim asks of the database.
"""

import argparse
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID

import psycopg

from bench.scratch import scratch_database
from cloudmining.embedded.postgres import find_binaries

BARE = "UPDATE bare_task SET state = 'claimed' WHERE id = %s AND state = 'open' RETURNING id"
BARE_ROWS = 400_000
PSQL = "UPDATE bare_task SET state = 'claimed' WHERE id = {} AND state = 'open';\n"
PGBENCH = "\\set id random(1, {rows})\nUPDATE bare_task SET state = 'claimed' WHERE id = :id AND state = 'open';\n"
PGBENCH_S = 5


def main() -> None:
    options = _options()
    with scratch_database():
        firms, tasks = _scene(options.claims, 8)
        _claim_all(firms[0], tasks[:6])  # what is looked up once in a process, and plans that are kept
        if options.statements:
            _print_statements(firms[0], tasks[6])
        _compare(options, firms, tasks[7:])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=200)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--crowd", type=int, default=256)
    parser.add_argument("--statements", action="store_true")
    return parser.parse_args()


def _scene(claims: int, firms: int) -> tuple[list[Any], list[UUID]]:
    from tests.integration.marketplace.scenes import published
    from tests.personas import aurora, organisation

    owner = aurora()
    tasks = [published(owner).pk for _ in range(2 * claims + 8)]
    return [organisation(f"Firm{n}", "service_firm") for n in range(firms)], tasks


def _compare(options: argparse.Namespace, firms: list[Any], tasks: list[UUID]) -> None:
    n, many, crowd = options.claims, options.connections, options.crowd
    _make_bare()
    alone = _told("claims, 1 connection", n, lambda: _claim_all(firms[0], tasks[:n]), _backend())
    shared = _told(f"claims, {many} connections", n, lambda: _claim_apart(firms, tasks[n : 2 * n], many))
    with _bare_connection() as bare:
        bare_alone = _told("bare UPDATE, psycopg, 1 connection", 20 * n, lambda: _bare(bare, range(20 * n)), bare)
    bare_shared = _told(f"bare UPDATE, psycopg, {many} connections", 20 * n, lambda: _bare_apart(20 * n, many))
    by_pgbench = [_pgbench(connections) for connections in (1, many)]
    by_psql = _psql("a script", [range(20 * n)])
    by_each = _psql("started for each", [range(at, at + 1) for at in range(n)])
    decided = _at_once(crowd, lambda n_: _attempt(firms[n_ % len(firms)], tasks[2 * n]))
    print(f"{f'one task, {crowd} connections, decided':44}{decided:9.0f} /s")
    bare_decided = _bare_at_once(crowd)
    print(f"{f'one row, {crowd} connections, bare UPDATE':44}{bare_decided:9.0f} /s")
    shares = [alone / bare_alone, shared / bare_shared, alone / by_pgbench[0], shared / by_pgbench[1]]
    print(
        "share of psycopg's, 1 and {} connections: {:.1%}, {:.1%}; of pgbench's: {:.1%}, {:.1%}".format(many, *shares)
    )
    print(f"of psql's, a script: {alone / by_psql:.1%}; of psql started for each: {alone / by_each:.1%}")
    print(f"of attempts at one row: {decided / bare_decided:.1%}")


def _told(name: str, count: int, run: Callable[[], None], server: Any = None) -> float:
    """How many a second; prints it, with CPU milliseconds for each of this process and of one `server` process."""
    begun = time.perf_counter(), time.process_time(), _cpu_s(server)
    run()
    ended = time.perf_counter(), time.process_time(), _cpu_s(server)
    clock_s, mine_s, server_s = (end - begin for begin, end in zip(begun, ended, strict=True))
    theirs = f", server {1000 * server_s / count:.2f} ms" if server else ""
    print(f"{name:44}{count / clock_s:9.0f} /s, CPU ours {1000 * mine_s / count:.2f} ms{theirs}")
    return count / clock_s


def _cpu_s(server: Any) -> float:
    """CPU seconds so far of the server's process, on this machine, behind a connection."""
    if server is None:
        return 0.0
    return int(Path(f"/proc/{server.info.backend_pid}/schedstat").read_text().split()[0]) / 1e9


def _backend() -> Any:
    from django.db import connection

    connection.ensure_connection()
    return connection.connection


def _print_statements(firm: Any, task_id: UUID) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        _claim_all(firm, [task_id])
    for number, query in enumerate(asked.captured_queries, 1):
        print(f"{number:3} {1000 * float(query['time']):4.0f} ms {query['sql'][:130]}")


def _claim_all(firm: Any, tasks: Sequence[UUID]) -> None:
    for task_id in tasks:
        assert _attempt(firm, task_id)


def _attempt(firm: Any, task_id: UUID) -> bool:
    """In a transaction of its own; whether it was won."""
    from marketplace import access, actions
    from tenants.data import Conflict, NotFound

    try:
        with firm.acting():
            actions.claim_task(task=access.get_task(task_id, needs="claim_tasks"))
    except (Conflict, NotFound):
        return False
    return True


def _claim_apart(firms: list[Any], tasks: Sequence[UUID], connections: int) -> None:
    """Each connection claims tasks that nobody else wants."""
    _threads(connections, lambda n: _claim_all(firms[n % len(firms)], tasks[n::connections]))


def _at_once(connections: int, attempt: Callable[[int], bool]) -> float:
    """Attempts a second from when all are let go to when the last is decided; exactly one is won."""
    begun: list[float] = []
    gate = Barrier(connections, action=lambda: begun.append(time.perf_counter()))

    def run(n: int) -> bool:
        from django.db import connection

        connection.ensure_connection()
        gate.wait(60)
        return attempt(n)

    won = _threads(connections, run)
    rate = connections / (time.perf_counter() - begun[0])
    assert won.count(True) == 1
    return rate


def _threads(count: int, run: Callable[[int], Any]) -> list[Any]:
    from django.db import connections

    def run_and_close(n: int) -> Any:
        try:
            return run(n)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run_and_close, range(count)))


def _make_bare() -> None:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        owner.execute("CREATE TABLE bare_task (id integer PRIMARY KEY, state text NOT NULL)")
        owner.execute("INSERT INTO bare_task SELECT n, 'open' FROM generate_series(0, %s) AS n", [BARE_ROWS])


def _bare_connection() -> psycopg.Connection:
    return psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True)


def _bare(connection: psycopg.Connection, ids: Sequence[int]) -> None:
    for task in ids:
        assert connection.execute(BARE, [task]).rowcount == 1


def _bare_apart(count: int, connections: int) -> None:
    def run(n: int) -> None:
        with _bare_connection() as connection:
            _bare(connection, range(count + n, 2 * count, connections))

    _threads(connections, run)


def _bare_at_once(connections: int) -> float:
    """All for one row, through connections that are open before."""
    opened = [_bare_connection() for _ in range(connections)]
    rate = _at_once(connections, lambda n: opened[n].execute(BARE, [BARE_ROWS]).rowcount == 1)
    for connection in opened:
        connection.close()
    return rate


def _pgbench(connections: int) -> float:
    """Bare UPDATEs a second of rows at random, most of which are open."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(PGBENCH.format(rows=BARE_ROWS - 1))
        script.flush()
        clients = ["-n", "-c", str(connections), "-j", str(min(connections, 2)), "-T", str(PGBENCH_S)]
        program = [find_binaries()["pgbench"], *clients, "-f", script.name, os.environ["DATABASE_OWNER_URL"]]
        said = subprocess.run(program, check=True, capture_output=True, text=True, timeout=60).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    assert found, said
    print(f"{f'bare UPDATE, pgbench, {connections} connections':44}{float(found[1]):9.0f} /s")
    return float(found[1])


def _psql(name: str, scripts: Sequence[range]) -> float:
    """Bare UPDATEs a second by psql, one process after the other for each script, each UPDATE committed by itself."""
    begun = time.perf_counter()
    for rows in scripts:
        script = "".join(PSQL.format(row) for row in rows)
        program = [find_binaries()["psql"], "-q", "-v", "ON_ERROR_STOP=1", os.environ["DATABASE_OWNER_URL"]]
        subprocess.run(program, check=True, input=script, text=True, timeout=60)
    rate = sum(map(len, scripts)) / (time.perf_counter() - begun)
    print(f"{f'bare UPDATE, psql, {name}':44}{rate:9.0f} /s")
    return rate


if __name__ == "__main__":
    main()
