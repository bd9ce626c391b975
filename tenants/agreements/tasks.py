"""Celery shells of agreements."""

from datetime import UTC, datetime
from typing import Any

from celery import shared_task

from tenants.agreements.expiry import tell_of_ends
from tenants.context import as_platform


@shared_task(bind=True, name="tenants.tell_of_ends", system=True)
def tell_of_agreements_ends(self: Any) -> None:
    """Tell of ends near and come; safe to run twice, or at the same time as itself."""
    with as_platform("sweep", "tell of agreements' ends") as platform:
        platform.leaves_trace = tell_of_ends(datetime.now(UTC)) > 0
