"""What is told on the feeds, held against what is said of it in the description of the feed."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import psycopg
from django.conf import settings

from tenants.feed.asyncapi import document
from tests.database import with_database

DOCUMENT = document("mine.example", is_secure=True)
VALIDATORS = {
    kind: jsonschema_rs.validator_for(about["body"] | {"components": DOCUMENT["components"]}, validate_formats=True)
    for kind, about in DOCUMENT["x-event-kinds"].items()
}


@contextmanager
def fitting() -> Iterator[None]:
    """Every event that is announced inside, by whatever process, has a body as its kind has it."""
    began_at = datetime.now(UTC)
    yield
    misfits = sorted({words for kind, body in _told_since(began_at) for words in misfit(kind, body)})
    assert not misfits, misfits


def misfit(kind: str, body: dict[str, Any]) -> list[str]:
    """What is wrong with a body."""
    return [f"{kind} at {error.instance_path}: {error.message}" for error in VALIDATORS[kind].iter_errors(body)]


def _told_since(began_at: datetime) -> list[tuple[str, dict[str, Any]]]:
    url = with_database(os.environ["DATABASE_ADMIN_URL"], str(settings.DATABASES["default"]["NAME"]))
    with psycopg.connect(url) as database:
        told = "SELECT DISTINCT kind, body::text FROM tenants_feedevent WHERE recorded_at >= %s AND kind = ANY(%s)"
        return [(kind, json.loads(body)) for kind, body in database.execute(told, [began_at, list(VALIDATORS)])]
