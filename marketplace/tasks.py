"""Celery shells of the marketplace."""

from typing import Any

from celery import shared_task

from marketplace import actions, market
from marketplace.bids import sweeping
from marketplace.contracts import api as contracting
from marketplace.sessions import sweeping as sessions
from marketplace.sweeping import all_of
from marketplace.watch import api as watch


@shared_task(bind=True, name="marketplace.sweep_lapsed_claims", system=True)
def sweep_lapsed_claims(self: Any) -> int:
    """Reopen tasks whose lease is over, accept work that nobody answered; safe to run twice or at the same time as the
    parties' own actions."""
    return all_of("claims", actions.lapse_claims, actions.accept_unanswered)


@shared_task(bind=True, name="marketplace.sweep_retentions", system=True)
def sweep_retentions(self: Any) -> int:
    """Release what was retained until the end of a warranty that is over."""
    return contracting.release_due()


@shared_task(bind=True, name="marketplace.sweep_ratings", system=True)
def sweep_ratings(self: Any) -> int:
    """Show ratings that wait for no other any more; safe to run twice."""
    return contracting.show_due()


@shared_task(bind=True, name="marketplace.sweep_acceptance", system=True)
def sweep_acceptance(self: Any) -> int:
    """Tell of each change in how a rule of acceptance stands; safe to run twice."""
    return watch.watch_due()


@shared_task(bind=True, name="marketplace.sweep_market", system=True)
def sweep_market(self: Any) -> int:
    """Tell those to whom tasks were offered what is gone, and what is open again."""
    return market.tell_market()


@shared_task(bind=True, name="marketplace.sweep_bids", system=True)
def sweep_bids(self: Any) -> int:
    """End biddings and standstills whose time is over; safe to run twice, or while somebody looks at one."""
    return all_of("biddings and awards", sweeping.close_overdue, sweeping.conclude_due)


@shared_task(bind=True, name="marketplace.sweep_sessions", system=True)
def sweep_sessions(self: Any) -> int:
    """Stop sessions at their ceiling, cancel those that nobody started, settle those that nobody objected to."""
    return all_of("remote sessions", sessions.end_exhausted, sessions.cancel_lapsed, sessions.accept_unanswered)
