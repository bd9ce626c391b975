"""The owner's people and the sweep answer the same work at once, and a lease is extended while it ends."""

import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier

from marketplace import access, actions
from marketplace.lifecycle import ClaimState
from marketplace.models import Claim, Contract
from tenants.agreements.api import agreements
from tenants.context import as_platform
from tests.integration.marketplace.bid_scenes import bodies
from tests.integration.marketplace.scenes import answer_over, claimed, published, state_of, submitted
from tests.races.crowd import CLIENTS, GATE_WITHIN_S, OBJECTS, WON, crowd, outcome
from tests.races.tally import Tally
from tests.races.truth import sound

ANSWERS = {
    "task.accepted": actions.accept_work,
    "task.rejected": partial(actions.reject_work, reason="it leaks"),
    "task.reopened": partial(actions.request_rework, note="it leaks"),
}
ENDS = {
    "task.accepted": ("closed", "completed", 1),
    "task.rejected": ("open", "rejected", 0),
    "task.reopened": ("claimed", "live", 0),
}
TURNS = 16  # one turn of so many is the sweep's: each of its clients has a second connection
SPREAD_S = 0.05
LEASE_S = 1.0 + OBJECTS * 0.1 + CLIENTS / 100  # to claim each, and for every client to come


def test_work_is_answered_once_by_whoever_is_first_the_owners_people_or_their_silence(aurora, borealis):
    tally, kinds = Tally("answers"), list(ANSWERS)
    with crowd() as clients:
        for _ in tally.goes():
            tasks = [_handed_in(aurora, borealis) for _ in range(OBJECTS)]
            gate = Barrier(clients.size)
            attempts = [
                _swept(actions.accept_unanswered, gate)
                if n // OBJECTS % TURNS == TURNS - 1
                else _answered(aurora, tasks[n % OBJECTS].pk, kinds[n // OBJECTS % len(kinds)], gate)
                for n in range(clients.size)
            ]
            answers = clients.at_once(attempts)
            for n, task in enumerate(tasks):
                won = [answer for answer in answers[n::OBJECTS] if answer in ANSWERS]
                told = [kind for kind in ANSWERS for body in bodies(borealis, kind) if body["task"] == str(task.pk)]
                assert won == told if won else told == ["task.accepted"]
                with aurora.acting():
                    claim = Claim.objects.get(task=task)
                    is_owed = Contract.objects.filter(task=task).count()
                assert (state_of(task, aurora), claim.state, is_owed) == ENDS[told[0]]
            tally.count(attempts=clients.size, won=OBJECTS, refused=clients.size - OBJECTS)
    sound(aurora, borealis)


def test_lease_that_ends_is_extended_used_or_over_and_data_is_open_while_it_lasts(aurora, borealis):
    tally, live = Tally("leases"), 0
    with crowd() as clients:
        for _ in tally.goes():
            claims = [claimed(published(aurora), borealis) for _ in range(OBJECTS)]
            ends_at = datetime.now(UTC) + timedelta(seconds=LEASE_S)
            with as_platform("tests", "leases that end soon"):
                Claim.objects.filter(pk__in=[claim.pk for claim in claims]).update(lease_until=ends_at)
            answers = clients.at_once([_at_the_end(aurora, borealis, claims, n, ends_at) for n in range(clients.size)])
            actions.lapse_claims()
            for n, claim in enumerate(claims):
                of_claim = Counter(answers[n::OBJECTS])
                told = [
                    kind
                    for kind in ("task.extended", "task.submitted", "task.reopened")
                    for body in bodies(borealis, kind)
                    if body["task"] == str(claim.task_id)
                ]
                with aurora.acting():
                    claim.refresh_from_db()
                is_live = claim.state == ClaimState.LIVE
                assert told.count("task.extended") == of_claim["extended"]
                assert told.count("task.submitted") == of_claim["submitted"] <= 1
                assert told.count("task.reopened") == (0 if is_live else 1)
                assert is_live == bool(of_claim["extended"] or of_claim["submitted"])
                live += is_live
            with aurora.acting():
                assert agreements(status="active").filter(tenant=aurora.id, partner=borealis.id).count() == live
            won = sum(answer in ("extended", "submitted") for answer in answers)
            tally.count(attempts=clients.size, won=won, refused=clients.size - won)
    sound(aurora, borealis)


def _handed_in(owner, firm):
    """A task whose work was handed in, and the time for its owner's answer is over."""
    task = published(owner)
    claim = claimed(task, firm)
    submitted(task, firm)
    answer_over(claim)
    return task


def _answered(owner, task_id, kind, all_have_read):
    """The kind that it was answered with, if it was this client's."""

    def answer():
        with owner.acting():
            task = access.get_own_task(task_id)
            all_have_read.wait(GATE_WITHIN_S)
            ANSWERS[kind](task=task)

    return lambda: kind if (said := outcome(answer)) == WON else said


def _swept(sweep, all_have_read):
    def run():
        all_have_read.wait(GATE_WITHIN_S)
        sweep()

    return run


def _at_the_end(owner, firm, claims, n, ends_at):
    """Around the end of the lease a client of the owner's extends it, one of the firm's hands in its work, both having
    read it before, or the sweep takes it back."""
    claim = claims[n % OBJECTS]
    turn = n // OBJECTS % TURNS
    moment = ends_at + timedelta(seconds=random.uniform(-SPREAD_S, SPREAD_S))

    def extend():
        with owner.acting():
            task = access.get_own_task(claim.task_id)
            _wait_for(moment)
            actions.extend_claim(task=task, hours=1)

    def submit():
        with firm.acting():
            held = access.get_claim(claim.task_id, claim.token)
            _wait_for(moment)
            actions.submit_work(claim=held)

    def sweep():
        _wait_for(moment)
        return str(actions.lapse_claims())

    def run(said, act):
        return said if (answer := outcome(act)) == WON else answer

    if turn == TURNS - 1:
        return sweep
    return partial(run, "extended", extend) if turn % 2 else partial(run, "submitted", submit)


def _wait_for(moment):
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))
