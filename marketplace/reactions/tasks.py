"""Celery shell of the reactions."""

from typing import Any

from celery import shared_task

from marketplace.reactions import actions
from marketplace.sweeping import in_turn


@shared_task(bind=True, name="marketplace.sweep_reactions", system=True)
def sweep_reactions(self: Any) -> int:
    """React to what the feeds hold; safe to run twice or at the same time. Returns how many events were reacted to."""
    return in_turn("reactions", actions.claim_due(), lambda due: actions.react(*due))
