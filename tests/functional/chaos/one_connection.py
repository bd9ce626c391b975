"""Two organisations on one pooled connection, with failures and cancellations in between; prints what was read as JSON.

    python -m tests.functional.chaos.one_connection OWN_1 OWN_2 READS

in a process of its own, since the pool is made with the settings. OWN_n are ids of organisations with one site each.
"""

import asyncio
import json
import os
import random
import sys
from collections import Counter
from uuid import UUID

THREADS = 4
SEED = 20261122


class Planned(Exception):
    """Thrown on purpose inside a transaction."""


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudmining.settings")
    django.setup()
    first, second, reads = UUID(sys.argv[1]), UUID(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(asyncio.run(interleave(first, second, reads))))


async def interleave(first: UUID, second: UUID, reads: int) -> dict[str, int]:
    """Reads in turns from several threads until there are `reads` of them; cancelled ones go on in their thread."""
    from concurrent.futures import ThreadPoolExecutor

    found: Counter[str] = Counter()
    backends: set[int] = set()
    dice = random.Random(SEED)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(THREADS) as threads:
        while found["reads"] < reads:
            batch = [
                loop.run_in_executor(threads, read_once, dice.choice((first, second)), dice.random(), found, backends)
                for _ in range(100)
            ]
            for future in dice.sample(batch, 10):
                found["cancelled"] += future.cancel()
            await asyncio.gather(*batch, return_exceptions=True)
    return {**found, "backends": len(backends)}


def read_once(me: UUID, chance: float, found: Counter[str], backends: set[int]) -> None:
    """One transaction as `me`; `chance` decides how it ends. What is seen without an identity counts as crossed too."""
    from django.db import DatabaseError, connection

    from tenants.context import acting_as, on_behalf_of
    from tenants.data import Actor

    try:
        with acting_as(Actor(me, None, frozenset({"owner"}), "test:chaos")):
            _look(me, found, backends)
            if chance < 0.1:
                raise Planned
            if chance < 0.2:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1 / 0")
            if chance < 0.3:
                with on_behalf_of(me):
                    raise Planned
            if chance < 0.35:
                connection.close()  # as if the server had gone away in the middle
    except (Planned, DatabaseError):
        found["failed"] += 1
    finally:
        connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_site")
        found["crossed"] += cursor.fetchone()[0]
    connection.close()


def _look(me: UUID, found: Counter[str], backends: set[int]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, pg_backend_pid() FROM tenants_site")
        rows = cursor.fetchall()
    found["reads"] += 1
    found["crossed"] += sum(tenant != me for tenant, _ in rows) + (len(rows) != 1)
    backends.update(pid for _, pid in rows)


if __name__ == "__main__":
    main()
