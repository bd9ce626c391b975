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
from tests.integration.marketplace.bid_scenes import bodies, superuser
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
SPREAD_S = 0.03, 0.07 + CLIENTS / 640  # of shorter ones nearly all come too late, of longer ones in time


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
            end = _End(claims, clients.size)
            answers = clients.at_once([_at_the_end(aurora, borealis, end, n) for n in range(clients.size)])
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


class _End:
    """The leases end a moment after every client has read what it acts on."""

    def __init__(self, claims, clients):
        self.claims, self._gate, self._spread_s = claims, Barrier(clients, self._set), random.uniform(*SPREAD_S)

    def wait(self):
        """Until some time around the end."""
        self._gate.wait(GATE_WITHIN_S)
        moment = self._at + timedelta(seconds=random.uniform(-self._spread_s, self._spread_s))
        time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))

    def _set(self):
        self._at = datetime.now(UTC) + timedelta(seconds=self._spread_s)
        ids = [claim.pk for claim in self.claims]
        superuser("UPDATE marketplace_claim SET lease_until = %s WHERE id = ANY(%s)", self._at, ids)


def _at_the_end(owner, firm, end, n):
    """A client of the owner's extends the lease, one of the firm's hands in its work, or the sweep takes it back."""
    claim, turn = end.claims[n % OBJECTS], n // OBJECTS % TURNS

    def extend():
        with owner.acting():
            task = access.get_own_task(claim.task_id)
            end.wait()
            actions.extend_claim(task=task, hours=1)

    def submit():
        with firm.acting():
            held = access.get_claim(claim.task_id, claim.token)
            end.wait()
            actions.submit_work(claim=held)

    def sweep():
        end.wait()
        return str(actions.lapse_claims())

    def run(said, act):
        return said if (answer := outcome(act)) == WON else answer

    if turn == TURNS - 1:
        return sweep
    return partial(run, "extended", extend) if turn % 2 else partial(run, "submitted", submit)
