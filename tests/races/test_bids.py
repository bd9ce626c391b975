"""Bids around the deadline, and awards to different bids at once."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

from marketplace.bids import access, awarding
from marketplace.models import Bid, BidVersion
from tests.integration.marketplace.bid_scenes import evaluating, placed, quotation, scored
from tests.personas import organisation
from tests.races.crowd import CLIENTS, ROUNDS, WON, crowd, outcome, told

BIDDING = timedelta(seconds=1.5 + CLIENTS / 50)


def test_no_bid_is_late_and_none_that_was_taken_is_lost(aurora):
    firms = [organisation(f"Firm{n}", "service_firm") for n in range(4)]
    rounds, bids, refused = max(1, ROUNDS // 10), 0, 0
    with crowd() as clients:
        for _ in range(rounds):
            task = quotation(aurora, bids_until=datetime.now(UTC) + BIDDING)
            answers = clients.at_once([partial(_bidding, firms[n % 4], task) for n in range(clients.size)])
            with aurora.acting():
                at = list(BidVersion.objects.filter(bid__task=task).values_list("submitted_at", flat=True))
            assert at and max(at) < task.bids_until
            assert len(at) == sum(taken for taken, _ in answers)
            bids, refused = bids + len(at), refused + sum(others for _, others in answers)
    told("bids around the deadline", rounds=rounds, taken=bids, late=0, lost=0, refused_beside_another=refused)


def test_exactly_one_bid_wins_whatever_is_awarded_at_once(aurora):
    firms = [organisation(f"Firm{n}", "service_firm") for n in range(2)]
    with crowd() as clients:
        for _ in range(ROUNDS):
            task = quotation(aurora)
            bids = [placed(firm, task).bid for firm in firms]
            evaluating(aurora, task)
            for bid in bids:
                scored(aurora, bid, 50)
            answers = clients.at_once([partial(_awarded, aurora, bids[n % 2].pk) for n in range(clients.size)])
            assert Counter(answers)[WON] == 1
            with aurora.acting():
                states = Counter(Bid.objects.filter(task=task).values_list("state", flat=True))
            assert states["won"] == 1
    told("awards", rounds=ROUNDS, attempts=ROUNDS * clients.size, double_winners=0)


def _bidding(firm, task):
    """Versions one after the other until the deadline: how many were taken, and refused for another reason."""
    taken = refused = 0
    while True:
        answer = outcome(lambda: placed(firm, task))
        if answer == WON:
            taken += 1
        elif "over" in answer or answer.startswith("There is no such task"):
            return taken, refused
        else:
            refused += 1


def _awarded(owner, bid_id):
    def award():
        with owner.acting():
            awarding.award_bid(bid=access.get_bid_to_judge(bid_id), reason="best by the criteria")

    return outcome(award)
