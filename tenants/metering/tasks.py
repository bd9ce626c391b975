"""Celery shells of metering."""

from datetime import UTC, datetime
from typing import Any

from celery import shared_task

from tenants.context import as_platform
from tenants.metering import rolling


@shared_task(bind=True, name="tenants.roll_up_usage", system=True)
def roll_up_usage(self: Any) -> None:
    """Usage into its hours; safe to run twice or at the same time as itself."""
    with as_platform("sweep", "roll up usage") as platform:
        platform.leaves_trace = rolling.roll_up()


@shared_task(bind=True, name="tenants.close_statements", system=True)
def close_statements(self: Any) -> None:
    """Statements of months that are over; hourly, so a night without a worker does no harm."""
    with as_platform("sweep", "close statements") as platform:
        platform.leaves_trace = rolling.close_statements(datetime.now(UTC)) > 0
