"""What the owner says of the work that was handed in: rework, rejection, acceptance, or nothing."""

import json
from datetime import timedelta

import pytest

from marketplace import access, actions, queries
from marketplace.models import Claim, Contract, Inspection
from marketplace.tasks import sweep_lapsed_claims
from tenants.data import Conflict, Invalid, NotFound
from tenants.models import FeedEvent, LedgerEntry
from tests.integration.marketplace.scenes import (
    LIFE,
    accept,
    answer_over,
    claimed,
    end_by_hand,
    entered,
    lease_over,
    published,
    reject,
    sees_pump,
    state_of,
    submitted,
    told,
)


def test_rework_renews_lease_and_data_by_a_new_agreement(aurora, borealis):
    task = published(aurora)
    first = claimed(task, borealis)
    submitted(task, borealis)
    lease_over(first)
    with pytest.raises(Invalid, match="note"), aurora.acting():
        actions.request_rework(task=access.get_own_task(task.pk), note="x" * 2_001)
    with aurora.acting():
        actions.request_rework(task=access.get_own_task(task.pk), note="still noisy")
    for party in (aurora, borealis):
        with party.acting():
            entry = LedgerEntry.objects.get(kind="task.reopened", subject_id=task.pk)
            event = FeedEvent.objects.get(kind="task.reopened", body__task=str(task.pk))
        assert json.loads(entry.payload)["reason"] == event.body["reason"] == "still noisy"
    with borealis.acting():
        again = access.get_claim(task.pk, first.token)
        assert again.lease_until > first.lease_until
        assert (again.agreement.status, again.rework_note) == ("active", "still noisy")
        assert again.agreement_id != first.agreement_id
    assert sees_pump(borealis, aurora)
    submitted(task, borealis)
    accept(task, aurora)
    assert not sees_pump(borealis, aurora)
    rework = [("task.reopened", "claimed"), ("task.submitted", "submitted"), ("task.accepted", "closed")]
    assert told(borealis) == told(aurora) == [*LIFE, *rework]


def test_rejected_work_ends_the_claim_owes_nothing_and_opens_the_task_again(aurora, borealis, cassia):
    task = published(aurora)
    claimed(task, borealis)
    submitted(task, borealis)
    for reason in (" ", "x" * 2_001):
        with pytest.raises(Invalid, match="reason won't do"):
            reject(task, aurora, reason)
    reject(task, aurora)
    assert state_of(task, aurora) == "open"
    assert not sees_pump(borealis, aurora)
    with aurora.acting():
        claim = Claim.objects.get(task=task)
        assert (claim.state, claim.agreement.status) == ("rejected", "terminated")
        assert not Contract.objects.filter(task=task).exists()
    for party in (aurora, borealis):
        assert told(party)[-1] == ("task.rejected", "open")
        said = entered(party, "task.rejected")
        assert (said["reason"], said["claim"], said["status"]) == ("the seal leaks", str(claim.pk), "open")
        with party.acting():
            assert FeedEvent.objects.get(kind="task.rejected").body["reason"] == "the seal leaks"
    with pytest.raises(Conflict, match="claim has ended"), borealis.acting():
        access.get_claim(task.pk, 1)
    assert claimed(task, cassia).token == 2


def test_only_work_that_was_handed_in_is_rejected_and_by_its_owner_alone(aurora, borealis):
    task = published(aurora)
    claimed(task, borealis)
    with pytest.raises(Conflict, match="claimed can't take 'reject'"):
        reject(task, aurora)
    submitted(task, borealis)
    with pytest.raises(NotFound):
        reject(task, borealis)
    accept(task, aurora)
    with pytest.raises(Conflict, match="closed can't take 'reject'"):
        reject(task, aurora)


def test_owner_who_says_nothing_has_accepted(aurora, borealis):
    waiting, task = published(aurora), published(aurora)
    for each in (waiting, task):
        claim = claimed(each, borealis)
        submitted(each, borealis)
    with borealis.acting():
        before = queries.database_time()
        until = access.get_claim(task.pk, 1).answer_until
    assert timedelta(days=7) - timedelta(minutes=1) < until - before < timedelta(days=7)
    lease_over(claim)
    actions.accept_unanswered()
    assert state_of(task, aurora) == "submitted"
    answer_over(claim)
    sweep_lapsed_claims.apply().get()
    actions.accept_unanswered()
    assert (state_of(task, aurora), state_of(waiting, aurora)) == ("closed", "submitted")
    silence = "Nobody answered within 7 days."
    for party in (aurora, borealis):
        assert told(party)[-1] == ("task.accepted", "closed")
        assert entered(party, "task.accepted")["reason"] == silence
        with party.acting():
            contract = Contract.objects.get(task=task)
            assert (contract.firm_id, contract.price_minor, contract.state) == (borealis.id, 250_000, "fulfilled")
            assert Inspection.objects.get(contract=contract).reason == silence


def test_rework_stops_the_time_for_an_answer_and_a_new_submission_begins_it_anew(aurora, borealis):
    task = published(aurora)
    claim = claimed(task, borealis)
    submitted(task, borealis)
    answer_over(claim)
    with aurora.acting():
        actions.request_rework(task=access.get_own_task(task.pk))
    with borealis.acting():
        assert access.get_claim(task.pk, 1).answer_until is None
    actions.accept_unanswered()
    assert state_of(task, aurora) == "claimed"
    submitted(task, borealis)
    actions.accept_unanswered()
    assert state_of(task, aurora) == "submitted"


def test_acceptance_goes_on_when_a_party_has_ended_the_agreement_before(aurora, borealis):
    task = published(aurora)
    claim = claimed(task, borealis)
    with aurora.acting():
        end_by_hand(queries.live_claim(task.pk).agreement)
    assert not sees_pump(borealis, aurora)
    submitted(task, borealis, claim.token)
    accept(task, aurora)
    assert state_of(task, aurora) == "closed"
