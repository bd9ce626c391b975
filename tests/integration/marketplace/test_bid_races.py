"""Bids while the deadline passes: none is late, none is lost."""

import time
from datetime import UTC, datetime, timedelta

from marketplace.bids import access, opening, sweeping
from marketplace.models import BidVersion
from tenants.data import Conflict
from tests.integration.marketplace.bid_scenes import (
    colleague,
    deadline_over,
    draft,
    opened,
    placed,
    published,
    registered,
    seen,
    tender,
)
from tests.integration.marketplace.scenes import state_of
from tests.integration.marketplace.test_races import at_once
from tests.personas import organisation


def bidding(firm, task):
    """Versions one after the other until the bidding is over: how many were taken."""
    taken = 0
    while True:
        try:
            placed(firm, task)
            taken += 1
        except Conflict as refusal:
            assert "over" in refusal.detail, refusal.detail
            return taken


def test_no_bid_is_late_and_none_that_was_taken_is_lost(aurora):
    firms = [organisation(f"Firm{n}", "service_firm") for n in range(3)]
    task = draft(aurora, "tender", bids_until=datetime.now(UTC) + timedelta(seconds=2.5))
    registered(aurora, task)
    published(aurora, task)

    def close():
        while state_of(task, aurora) == "open":
            sweeping.close_overdue()
            time.sleep(0.02)
        return 0

    taken = at_once([*(lambda firm=firm: bidding(firm, task) for firm in firms), close])
    with aurora.acting():
        versions = list(BidVersion.objects.filter(bid__task=task))
        assert max(version.submitted_at for version in versions) < task.bids_until
    assert len(versions) == sum(taken) and min(taken[:3]) > 0


def test_two_openers_at_once_open_all_bids_once(aurora, borealis):
    both = [aurora, colleague(aurora)]
    task = tender(aurora, both)
    bid = placed(borealis, task).bid
    deadline_over(task)
    with aurora.acting():
        opening.close_if_overdue(access.get_tender(task.pk))
    at_once([lambda opener=opener: opened(opener, task) for opener in both])
    assert (state_of(task, aurora), seen(aurora, bid).newest.fault) == ("opened", "")
