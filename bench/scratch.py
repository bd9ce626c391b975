"""A database of its own for one benchmark, and Django set up on it; dropped afterwards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django

from tests import database


@contextmanager
def scratch_database() -> Iterator[None]:
    """Needs the environment of a test cluster (`DATABASE_ADMIN_URL` and its siblings, see docs/operations.md)."""
    name = database.make("bench")
    os.environ.update(database.environment(name))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudmining.settings")
    try:
        django.setup()
        yield
    finally:
        from django.db import connections

        connections.close_all()
        database.drop(name)
