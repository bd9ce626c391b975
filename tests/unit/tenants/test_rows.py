"""Rows on their way into the database as JSON."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from tenants.rows import as_json

NOON, LATER = datetime(2026, 5, 1, 12, 0, 0, 123_456, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (NOON, "2026-05-01 12:00:00.123456+00:00"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (DateTimeTZRange(NOON, LATER), "[2026-05-01 12:00:00.123456+00:00,2026-05-02 00:00:00+00:00)"),
        (DateTimeTZRange(NOON, None), "[2026-05-01 12:00:00.123456+00:00,)"),
        (DateTimeTZRange(empty=True), "empty"),
    ],
)
def test_value_is_written_as_postgresql_reads_it(value, text):
    assert json.loads(as_json({"value": value})) == {"value": text}
