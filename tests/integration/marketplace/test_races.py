"""Many at once: the database lets exactly one through."""

from functools import partial
from threading import Barrier, Event
from time import sleep

from marketplace import access, actions
from marketplace.bids import access as bid_access
from marketplace.bids import awarding, opening
from tenants.data import Conflict
from tests.integration.marketplace.bid_scenes import (
    colleague,
    contest,
    deadline_over,
    disqualified,
    opened,
    placed,
    seen,
    tender,
)
from tests.integration.marketplace.scenes import claimed, lease_over, published, state_of, told
from tests.together import at_once, tried


def test_claim_and_cancellation_at_once_end_in_one_of_the_two(aurora, borealis):
    for _ in range(5):
        task, gate = published(aurora), Barrier(2)
        cancel = partial(
            *(tried, aurora, gate, partial(access.get_own_task, task.pk)),
            lambda own: actions.cancel_task(task=own),
        )
        claim = partial(
            *(tried, borealis, gate, partial(access.get_task, task.pk, needs="claim_tasks")),
            lambda read: actions.claim_task(task=read),
        )
        answers = at_once(cancel, claim)
        state = state_of(task, aurora)
        expected = {
            "cancelled": ["done", "The task has changed and is cancelled now."],
            "claimed": ["The task has changed and is claimed now.", "done"],
        }
        assert answers == expected[state]


def test_two_sweeps_at_once_reopen_a_task_once_and_never_take_it_from_the_next_firm(aurora, borealis, cassia):
    tasks = [published(aurora) for _ in range(5)]
    for task in tasks:
        lease_over(claimed(task, borealis))
    at_once(*[actions.lapse_claims] * 4)
    assert told(borealis).count(("task.reopened", "open")) == len(tasks)
    for task in tasks:
        claimed(task, cassia)
    at_once(*[actions.lapse_claims] * 2)
    assert {state_of(task, aurora) for task in tasks} == {"claimed"}


def test_two_openers_at_once_open_all_bids_once(aurora, borealis):
    both = [aurora, colleague(aurora)]
    task = tender(aurora, both)
    bid = placed(borealis, task).bid
    deadline_over(task)
    with aurora.acting():
        opening.close_if_overdue(bid_access.get_tender(task.pk))
    at_once(*[partial(opened, opener, task) for opener in both])
    assert (state_of(task, aurora), seen(aurora, bid).newest.fault) == ("opened", "")


def test_score_beside_an_award_waits_for_it_and_is_refused(aurora, borealis, cassia):
    """Also of a bid that the award does not touch."""
    is_awarded, is_read = Event(), Event()
    _, winner, out = contest(aurora, borealis, cassia)
    disqualified(aurora, out)

    def award():
        with aurora.acting():
            awarding.award_bid(bid=bid_access.get_bid_to_judge(winner.pk), reason="best by the criteria")
            is_awarded.set()
            assert is_read.wait(60)
            sleep(0.5)  # the score is waiting by now
            return "awarded"

    def score():
        assert is_awarded.wait(60)
        try:
            with aurora.acting():
                bid = bid_access.get_bid_to_judge(out.pk)
                is_read.set()
                awarding.score_bid(bid=bid, scores=[awarding.Score("Experience", 10, "one reference")])
                return "scored"
        except Conflict as refusal:
            return refusal.detail

    answers = at_once(award, score)
    assert answers == ["awarded", "Bids are judged while their task is evaluating; this one is awarded."]
