"""Claims a second through the action, beside the least that could be called a claim: a bare UPDATE by psycopg.

    python -m bench.claims [--claims 200] [--firms 4]

Needs the environment of a test cluster (`DATABASE_ADMIN_URL` and its siblings); makes a database of its own and drops
it. Both sides run on the same server and commit each claim by itself. The action does what the UPDATE does not: it sets
the identity, writes claim, agreement, clause and grants, and tells both parties' feeds.
"""

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg

from bench.scratch import scratch_database


def main() -> None:
    options = _options()
    with scratch_database():
        firms, tasks = _scene(options.claims, options.firms)
        alone = _rate(lambda: _claim_all(firms[0], tasks[: options.claims]), options.claims)
        print(f"claims by one firm:      {alone:8.0f} /s")
        race = _rate(lambda: _race(firms, tasks[options.claims :]), options.claims)
        print(f"claims by {options.firms} racing firms: {race:8.0f} /s ({options.claims * options.firms} attempts)")
        bare = _rate(lambda: _bare(tasks), len(tasks))
        print(f"bare UPDATE by psycopg:  {bare:8.0f} /s")
        print(f"ratio bare / claim:      {bare / alone:8.1f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=200)
    parser.add_argument("--firms", type=int, default=4)
    return parser.parse_args()


def _scene(claims: int, firms: int) -> tuple[list[Any], list[UUID]]:
    from tests.integration.marketplace.scenes import published
    from tests.personas import aurora, organisation

    owner = aurora()
    tasks = [published(owner).pk for _ in range(2 * claims)]
    return [organisation(f"Firm{n}", "service_firm") for n in range(firms)], tasks


def _rate(run: Callable[[], None], count: int) -> float:
    begun = time.perf_counter()
    run()
    return count / (time.perf_counter() - begun)


def _claim_all(firm: Any, tasks: list[UUID]) -> None:
    """Each task in a transaction of its own; lost races are passed over."""
    from marketplace import access, actions
    from tenants.data import Conflict, NotFound

    for task_id in tasks:
        try:
            with firm.acting():
                actions.claim_task(task=access.get_task(task_id, needs="claim_tasks"))
        except (Conflict, NotFound):
            continue


def _race(firms: list[Any], tasks: list[UUID]) -> None:
    from django.db import connections

    def run(firm: Any) -> None:
        _claim_all(firm, tasks)
        connections.close_all()

    with ThreadPoolExecutor(len(firms)) as pool:
        list(pool.map(run, firms))


def _bare(tasks: list[UUID]) -> None:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("CREATE TABLE bare_task (id uuid PRIMARY KEY, state text NOT NULL)")
        with owner.cursor() as cursor:
            cursor.executemany("INSERT INTO bare_task VALUES (%s, 'open')", [(task,) for task in tasks])
        for task in tasks:
            claim = "UPDATE bare_task SET state = 'claimed' WHERE id = %s AND state = 'open' RETURNING id"
            assert owner.execute(claim, [task]).rowcount == 1


if __name__ == "__main__":
    main()
