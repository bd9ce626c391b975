"""Celery shells of the marketplace."""

from typing import Any

from celery import shared_task

from marketplace import actions


@shared_task(bind=True, name="marketplace.sweep_lapsed_claims", system=True)
def sweep_lapsed_claims(self: Any) -> int:
    """Reopen tasks whose lease is over; safe to run twice or at the same time as the firms' own actions."""
    return actions.lapse_claims()
