"""Partitions of the readings' table, made ahead of time; the table itself and the function are in 0002_wall."""

import logging
from datetime import UTC, datetime, timedelta

from django.db import connections

BEHIND_DAYS, AHEAD_DAYS = 7, 14
log = logging.getLogger(__name__)


def make_ahead(alias: str) -> int:
    """Make the partitions around today that are missing; returns how many. Called by migration and by the hour."""
    today = datetime.now(UTC).date()
    span = [today - timedelta(days=BEHIND_DAYS), today + timedelta(days=AHEAD_DAYS)]
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT day, made FROM wall.make_reading_partitions(%s, %s)", span)
        outcomes = cursor.fetchall()
    for day, made in outcomes:
        if not made:
            log.warning("readings of %s stay in the default partition: some came before their own was made", day)
    return sum(made for _, made in outcomes)
