"""Celery shells of the marketplace."""

from typing import Any

from celery import shared_task

from marketplace import actions
from marketplace.contracts import api as contracting


@shared_task(bind=True, name="marketplace.sweep_lapsed_claims", system=True)
def sweep_lapsed_claims(self: Any) -> int:
    """Reopen tasks whose lease is over; safe to run twice or at the same time as the firms' own actions."""
    return actions.lapse_claims()


@shared_task(bind=True, name="marketplace.sweep_retentions", system=True)
def sweep_retentions(self: Any) -> int:
    """Release what was retained until the end of a warranty that is over."""
    return contracting.release_due()
