"""Bids around the deadline, and awards to different bids at once."""

import json
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier

from marketplace.bids import access, actions, awarding, sweeping
from marketplace.bids.lifecycle import BidState
from marketplace.bids.queries import bidders, bids, live_bid, missing
from marketplace.models import Bid, BidVersion
from tenants.data import Conflict
from tenants.ledger.api import entries_about
from tests.integration.marketplace.bid_scenes import evaluating, opened, placed, quotation, scored, tender
from tests.personas import organisation
from tests.races.crowd import CLIENTS, GATE_WITHIN_S, OBJECTS, WON, crowd, outcome
from tests.races.tally import Tally
from tests.races.truth import sound

BIDDING_S = 1.1 + CLIENTS / 100 + OBJECTS * 0.4  # to begin each, and for every client to come
EVALUATED = "The task has changed and is awarded now."


def test_no_bid_is_late_and_none_that_was_taken_is_lost(aurora):
    firms, tally = [organisation(f"Firm{n}", "service_firm") for n in range(4)], Tally("bids around the deadline")
    with crowd() as clients:
        for turn in tally.goes():
            tasks = _begun(aurora, (quotation, tender)[turn % 2])
            bidders = [partial(_bid, firms[n // OBJECTS % 4], tasks[n % OBJECTS]) for n in range(clients.size - 1)]
            *answers, _ = clients.at_once([*bidders, partial(_close, tasks[-1])])
            taken = 0
            for n, task in enumerate(tasks):
                with aurora.acting():
                    at = list(BidVersion.objects.filter(bid__task=task).values_list("submitted_at", flat=True))
                assert all(moment < task.bids_until for moment in at)
                assert len(at) == answers[n::OBJECTS].count(WON)
                taken += len(at)
            assert {kind(answer) for answer in answers} <= {WON, "late", "beside another"}
            tally.count(attempts=len(answers), won=taken, refused=len(answers) - taken)
    assert tally.figures["won"] and tally.figures["refused"]
    sound(aurora, *firms)


def test_whoever_withdraws_from_a_sealed_tender_in_time_is_out_and_nobody_else(aurora):
    firms = [organisation(f"Firm{n}", "service_firm") for n in range(4)]
    tally = Tally("withdrawals around the deadline of a sealed tender")
    with crowd() as clients:
        for _ in tally.goes():
            tasks = _begun(aurora, tender)
            places = [(firms[n // (2 * OBJECTS) % 4], tasks[n % OBJECTS]) for n in range(clients.size - 1)]
            steps = [partial((_bid, _withdraw)[n // OBJECTS % 2], *place) for n, place in enumerate(places)]
            *answers, _ = clients.at_once([*steps, partial(_close, tasks[-1])])
            for n, task in enumerate(tasks):
                of_task = zip(steps[n::OBJECTS], answers[n::OBJECTS], strict=True)
                withdrawn = [answer for step, answer in of_task if step.func is _withdraw]
                with aurora.acting():
                    standing = bidders(task.pk)
                    states = Counter(Bid.objects.filter(task=task).values_list("state", flat=True))
                    closed = [json.loads(entry.payload) for entry in entries_about({task.pk}, "bid.closed")]
                assert states["withdrawn"] == withdrawn.count(WON) and states["draft"] == 0
                assert len(closed) == max(len(standing), 1), "once to each who bid"
                assert {said["bidders"] for said in closed} == {len(standing)}, "none went after the closing"
                assert len(standing) == states["submitted"]
                assert readable(aurora, task) == len(standing)
                out = states["withdrawn"]
                tally.count(attempts=len(withdrawn), won=out, refused=len(withdrawn) - out)
    assert tally.figures["won"] and tally.figures["refused"]
    sound(aurora, *firms)


def readable(owner, task):
    """How many bids, once they are opened, say what their firm committed itself to; none is missing."""
    opened(owner, task)
    with owner.acting():
        assert not missing(task)
        return sum(bid.content is not None for bid in bids().filter(task=task).exclude(state=BidState.WITHDRAWN))


def test_exactly_one_bid_wins_whatever_is_awarded_at_once(aurora):
    firms, tally = [organisation(f"Firm{n}", "service_firm") for n in range(2)], Tally("awards")
    with crowd() as clients:
        for _ in tally.goes():
            contests = [_evaluated(aurora, firms) for _ in range(OBJECTS)]
            gate = Barrier(clients.size)
            asked = [contests[n % OBJECTS][n // OBJECTS % 2].pk for n in range(clients.size)]
            answers = clients.at_once([partial(_awarded, aurora, bid_id, gate) for bid_id in asked])
            for n, bids in enumerate(contests):
                of_task = answers[n::OBJECTS]
                assert Counter(of_task) == {WON: 1, EVALUATED: len(of_task) - 1}
                winner = bids[of_task.index(WON) % 2]
                with aurora.acting():
                    states = dict(Bid.objects.filter(task=winner.task_id).values_list("pk", "state"))
                assert states == {bid.pk: "won" if bid == winner else "lost" for bid in bids}
            tally.count(attempts=clients.size, won=OBJECTS, refused=clients.size - OBJECTS)
    sound(aurora, *firms)


def _begun(owner, begin):
    """A task for each object, all with one deadline."""
    until = datetime.now(UTC) + timedelta(seconds=BIDDING_S)
    return [begin(owner, bids_until=until) for _ in range(OBJECTS)]


def _evaluated(owner, firms):
    """A bid of each firm on one task, of equal scores."""
    task = quotation(owner)
    bids = [placed(firm, task).bid for firm in firms]
    evaluating(owner, task)
    for bid in bids:
        scored(owner, bid, 50)
    return bids


def kind(answer):
    """Documented refusals by why they were given."""
    if "over" in answer or answer.startswith(("There is no such task", "A bid that is opened")):
        return "late"
    return "beside another" if answer.startswith("The bid has changed") else answer


def _bid(firm, task):
    """At some moment until a little past the deadline."""
    time.sleep(random.uniform(0, 1.1) * max(0.0, (task.bids_until - datetime.now(UTC)).total_seconds()))
    return outcome(lambda: placed(firm, task))


def _withdraw(firm, task):
    """Bid at some moment until a little past the deadline, and withdraw it at once."""

    def withdraw():
        with firm.acting():
            bid = live_bid(task.pk, firm.id)
            if bid is None:
                raise Conflict("There is no bid.")
            actions.withdraw_bid(bid=bid)

    _bid(firm, task)
    return outcome(withdraw)


def _close(task):
    """The sweep that closes what is sealed, again and again until the deadline is past."""
    while datetime.now(UTC) < task.bids_until + timedelta(seconds=BIDDING_S / 10):
        sweeping.close_overdue()
        time.sleep(0.02)
    sweeping.close_overdue()


def _awarded(owner, bid_id, all_have_read):
    """Read the bid, wait until all have read theirs, then award it."""

    def award():
        with owner.acting():
            bid = access.get_bid_to_judge(bid_id)
            all_have_read.wait(GATE_WITHIN_S)
            awarding.award_bid(bid=bid, reason="best by the criteria")

    return outcome(award)
