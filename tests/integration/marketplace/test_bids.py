"""Bids while the bidding is open: who may, what is refused, versions, withdrawal, and who sees what."""

import hashlib
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplace import access as tasks
from marketplace import actions as task_actions
from marketplace.bids import access, actions, opening, queries, sweeping
from tenants.data import Conflict, Forbidden, Invalid, NotFound
from tests.integration.marketplace.bid_scenes import (
    CONTENT,
    bodies,
    colleague,
    deadline_over,
    draft,
    evaluating,
    placed,
    published,
    quotation,
    registered,
    seen,
    tender,
)
from tests.integration.marketplace.scenes import published as offered
from tests.integration.marketplace.scenes import state_of
from tests.integration.marketplace.test_references import cassia_as_buyer


def test_owner_reads_quotations_as_they_come_and_other_bidders_never(aurora, borealis, cassia):
    task = quotation(aurora)
    receipt = placed(borealis, task)
    placed(cassia, task, price_minor=50)
    bid = seen(aurora, receipt.bid)
    assert (bid.state, bid.firm_name, bid.content) == ("submitted", "Borealis", CONTENT)
    with cassia.acting():
        assert [each.firm_name for each in queries.bids_on(task.pk)] == ["Cassia"]
        with pytest.raises(NotFound):
            access.get_bid(bid.pk)
    with aurora.acting():
        assert {each.firm_name for each in queries.bids_on(task.pk)} == {"Borealis", "Cassia"}


def test_receipt_is_the_bid_and_its_hash_the_commitment_on_feeds_and_ledgers(aurora, borealis):
    receipt = placed(borealis, tender(aurora))
    assert hashlib.sha256(receipt.text.encode()).hexdigest() == receipt.version.commitment
    said = json.loads(receipt.text)
    assert (said["content"], said["number"]) == (CONTENT.document, 1)
    for party in (aurora, borealis):
        assert [body["commitment"] for body in bodies(party, "bid.submitted")] == [receipt.version.commitment]
    with aurora.acting():
        promised = queries.committed(tasks.get_own_task(receipt.bid.task_id))
    assert promised[receipt.bid.pk]["commitment"] == receipt.version.commitment


def test_newest_version_counts_and_there_is_one_bid(aurora, borealis):
    task = quotation(aurora)
    first, second = placed(borealis, task), placed(borealis, task, price_minor=7)
    assert (first.bid.pk, second.version.number) == (second.bid.pk, 2)
    bid = seen(aurora, second.bid)
    assert bid.content.price_minor == 7 and len(bid.all_versions) == 2


def test_withdrawn_bid_is_over_and_another_may_follow(aurora, borealis):
    task = tender(aurora)
    receipt = placed(borealis, task)
    with borealis.acting():
        actions.withdraw_bid(bid=access.get_own_bid(receipt.bid.pk))
    with aurora.acting():
        assert queries.committed(task) == {}
    with pytest.raises(Conflict, match="withdrawn can't take"), borealis.acting():
        actions.withdraw_bid(bid=access.get_own_bid(receipt.bid.pk))
    assert placed(borealis, task).bid.pk != receipt.bid.pk


def test_bidder_still_reads_the_task_once_it_is_no_longer_open(aurora, borealis, cassia):
    task = quotation(aurora)
    placed(borealis, task)
    evaluating(aurora, task)
    with borealis.acting():
        assert tasks.get_task(task.pk).state == "evaluating"
    with cassia.acting(), pytest.raises(NotFound):
        tasks.get_task(task.pk)


def test_own_organisation_can_not_bid(aurora):
    task = quotation(aurora)
    with pytest.raises(Forbidden, match="Your own organisation"):
        placed(aurora, task)


def test_task_that_is_claimed_takes_no_bids(aurora, borealis):
    with pytest.raises(Conflict, match="claimed, not bid for"):
        placed(borealis, offered(aurora))


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"currency": "EUR"}, "/currency"),
        ({"due_d": (5, 9)}, "/due_d"),
        ({"due_d": (21,)}, "/due_d/0"),  # delivery is within 20
        ({"due_d": (20,)}, None),
        ({"due_d": ()}, None),
    ],
)
def test_bid_fits_the_tasks_currency_and_milestones(aurora, borealis, changed, pointer):
    milestones = [{"title": "all", "share_bp": 10_000, "due_d": 30}]
    task = quotation(aurora, milestones=milestones)
    if pointer is None:
        assert placed(borealis, task, **changed).version.number == 1
        return
    with pytest.raises(Invalid) as refused:
        placed(borealis, task, **changed)
    assert [error.pointer for error in refused.value.errors] == [pointer]


@pytest.mark.parametrize("make", [quotation, tender])
def test_late_bid_and_late_withdrawal_are_refused_before_any_sweep(make, aurora, borealis, cassia):
    task = make(aurora)
    receipt = placed(borealis, task)
    deadline_over(task)
    for firm in (borealis, cassia):
        with pytest.raises(Conflict, match="bidding is over"):
            placed(firm, task)
    with pytest.raises(Conflict, match="bidding is over"), borealis.acting():
        actions.withdraw_bid(bid=access.get_own_bid(receipt.bid.pk))
    assert seen(aurora, receipt.bid).number == 1
    assert state_of(task, aurora) == "open"


def test_sweep_ends_overdue_biddings_once_and_tells_the_bidders(aurora, borealis, cassia):
    over, running, asked = tender(aurora), tender(aurora), quotation(aurora)
    bids = [placed(borealis, task).bid for task in (over, asked)]
    for task in (over, asked):
        deadline_over(task)
    sweeping.close_overdue()
    sweeping.close_overdue()
    assert [state_of(task, aurora) for task in (over, running, asked)] == ["sealed_closed", "open", "evaluating"]
    assert [seen(aurora, bid).state for bid in bids] == ["submitted", "opened"]
    told = sorted(str(task.pk) for task in (over, asked))
    for party, wanted in ((aurora, told), (borealis, told), (cassia, [])):
        assert sorted(body["task"] for body in bodies(party, "bid.closed")) == wanted


def test_whoever_looks_ends_the_bidding_of_an_overdue_tender(aurora):
    task = tender(aurora)
    deadline_over(task)
    with aurora.acting():
        opening.close_if_overdue(access.get_tender(task.pk))
    assert state_of(task, aurora) == "sealed_closed"


def test_cancelled_task_ends_its_bids_and_tells_their_firms(aurora, borealis):
    task = tender(aurora)
    receipt = placed(borealis, task)
    with aurora.acting():
        task_actions.cancel_task(task=tasks.get_own_task(task.pk))
    assert (seen(borealis, receipt.bid).state, bodies(borealis, "bid.lost")[0]["reason"]) == (
        "lost",
        "The owner withdrew the task.",
    )


def test_tender_is_published_once_enough_openers_are_registered(aurora):
    task = draft(aurora, "tender", openers_needed=2)
    registered(aurora, task)
    with pytest.raises(Invalid, match="too few openers"):
        published(aurora, task)
    registered(colleague(aurora), task)
    assert published(aurora, task).state == "open"


def test_openers_stay_as_they_are_once_the_tender_is_published(aurora):
    task, other = tender(aurora), colleague(aurora)
    with pytest.raises(Conflict, match="before it is published"):
        registered(other, task)
    with pytest.raises(Conflict, match="before it is published"), aurora.acting():
        opening.dismiss_opener(task=access.get_tender(task.pk))


def test_opener_of_a_draft_may_step_back(aurora):
    task = draft(aurora, "tender")
    registered(aurora, task)
    with aurora.acting():
        opening.dismiss_opener(task=access.get_tender(task.pk))
        assert not queries.openers(task.pk).exists()


def test_short_passphrase_is_refused(aurora):
    task = draft(aurora, "tender")
    with pytest.raises(Invalid, match="not usable"), aurora.acting():
        opening.register_opener(task=access.get_tender(task.pk), passphrase="dynamite 12")


def test_list_of_own_bids_costs_as_many_statements_however_many_tasks_and_owners_they_are_on(aurora, borealis, cassia):
    client = borealis.client()

    def statements():
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/api/v1/bids").status_code == 200
        return len(asked)

    placed(borealis, quotation(aurora))
    few = statements()
    for owner in (aurora, cassia_as_buyer(cassia)):
        for _ in range(2):
            placed(borealis, quotation(owner))
    assert statements() <= few
