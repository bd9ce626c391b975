"""A database of its own for one benchmark, and Django set up on it; dropped afterwards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django
import psycopg
from django.core.management import call_command
from psycopg import sql

from tests import database


@contextmanager
def scratch_database(keep: str = "") -> Iterator[bool]:
    """Gives whether the database is new, which without `keep` it is; one with that name is kept for the next run.

    Needs the environment of a test cluster (`DATABASE_ADMIN_URL` and its siblings, see docs/operations.md).
    """
    is_new = not _exists(keep)
    name = _named(database.make("bench"), keep) if is_new else keep
    os.environ.update(database.environment(name))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudmining.settings")
    try:
        django.setup()
        if not is_new:
            call_command("bootstrap", verbosity=0)
        yield is_new
    finally:
        from django.db import connections

        connections.close_all()
        if not keep:
            database.drop(name)


def _exists(name: str) -> bool:
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"]) as admin:
        return bool(admin.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount)


def _named(made: str, wanted: str) -> str:
    if not wanted:
        return made
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(made), sql.Identifier(wanted)))
    return wanted
