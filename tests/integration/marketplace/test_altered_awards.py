"""What somebody with the database in hand changes after the opening is seen before anything is agreed on it."""

import pytest

from marketplace import access as tasks
from marketplace import actions as task_actions
from marketplace.bids import access, awarding, queries, sweeping
from marketplace.history import NotAsEntered
from marketplace.models import Bid
from marketplace.tasks import sweep_bids, sweep_lapsed_claims
from tenants.api import enter
from tenants.context import as_platform
from tenants.data import Conflict
from tenants.ledger.api import entries_where
from tests.integration.marketplace.bid_scenes import (
    awarded,
    bodies,
    complained,
    conclude,
    contest,
    decided,
    disqualified,
    scored,
    seen,
    standstill_over,
    superuser,
)
from tests.integration.marketplace.scenes import answer_over, claimed, published, state_of, submitted

STATE = "UPDATE marketplace_bid SET state = %s WHERE id = %s"


def missing(owner, task):
    with owner.acting():
        return queries.missing(tasks.get_own_task(task.pk))


def test_bid_that_was_moved_to_another_firm_is_found_and_can_not_win(aurora, borealis, cassia):
    task, bid = contest(aurora, borealis)
    for table, key in (("bidscore", "firm_id"), ("bidversion", "tenant_id")):
        superuser(f"UPDATE marketplace_{table} SET {key} = %s WHERE bid_id = %s", cassia.id, bid.pk)
    superuser("UPDATE marketplace_bid SET tenant_id = %s, firm_name = 'Cassia' WHERE id = %s", cassia.id, bid.pk)
    with aurora.acting():
        assert [each.fault for each in queries.held(queries.bids_on(task.pk))] == ["it is another firm's by the ledger"]
    with pytest.raises(Conflict, match="can't win"):
        awarded(aurora, bid)


def test_names_of_two_firms_that_were_swapped_are_found(aurora, borealis, cassia):
    task, *bids = contest(aurora, borealis, cassia)
    for bid, name in zip(bids, ("Cassia", "Borealis"), strict=True):
        superuser("UPDATE marketplace_bid SET firm_name = %s WHERE id = %s", name, bid.pk)
    with aurora.acting():
        assert queries.comparison(tasks.get_own_task(task.pk)) == []


def test_no_contract_is_written_with_another_bid_than_the_one_that_was_awarded(aurora, borealis, cassia):
    task, won, lost = contest(aurora, borealis, cassia)
    awarded(aurora, won)
    swapped(won, lost)
    with pytest.raises(Conflict, match="is not the one that has won here"):
        conclude(aurora, task)
    swapped(lost, won)
    conclude(aurora, task)


@pytest.mark.parametrize(
    "change",
    [f"UPDATE marketplace_bidscore SET {said} WHERE bid_id = %s" for said in ("points = 0", "reason = 'none'")]
    + ["DELETE FROM marketplace_bidscore WHERE bid_id = %s"],
)
def test_nothing_is_awarded_by_points_that_were_altered(aurora, borealis, cassia, change):
    _, worse, better = contest(aurora, borealis, cassia)
    scored(aurora, better, 70)
    assert superuser(change, better.pk) == 1
    with pytest.raises(Conflict, match="Cassia, by Experience, are not those in your ledger"):
        awarded(aurora, worse)
    scored(aurora, better, 80)
    awarded(aurora, better)


def test_nothing_is_awarded_by_criteria_that_were_altered(aurora, borealis):
    task, bid = contest(aurora, borealis)
    superuser("UPDATE marketplace_servicetask SET criteria = '[]' WHERE id = %s", task.pk)
    with pytest.raises(Conflict, match="criteria differ from the owner's ledger"):
        awarded(aurora, bid)


@pytest.mark.parametrize("change", ["standstill_h = 0", "retention_bp = 5000", "opens = '{view_alarms}'"])
def test_no_contract_is_written_by_terms_that_were_altered_after_the_award(aurora, borealis, change):
    task, bid = contest(aurora, borealis)
    awarded(aurora, bid)
    superuser(f"UPDATE marketplace_servicetask SET {change} WHERE id = %s", task.pk)
    if "standstill" not in change:
        standstill_over(bid)
    with pytest.raises(Conflict, match=f"{change.split()[0]} differ from the owner's ledger"):
        conclude(aurora, task)
    sweeping.conclude_due()
    assert state_of(task, aurora) == "awarded"


def test_work_is_not_accepted_for_a_fee_that_was_altered(aurora, borealis):
    task = published(aurora)
    claimed(task, borealis)
    submitted(task, borealis)
    superuser("UPDATE marketplace_servicetask SET fee_minor = 1 WHERE id = %s", task.pk)
    with pytest.raises(Conflict, match="fee_minor differ from the owner's ledger"), aurora.acting():
        task_actions.accept_work(task=tasks.get_own_task(task.pk))
    assert state_of(task, aurora) == "submitted"


def test_bid_that_was_disqualified_without_an_entry_is_named(aurora, borealis, cassia):
    task, bid, other = contest(aurora, borealis, cassia)
    disqualified(aurora, other)
    assert missing(aurora, task) == []
    for each in (bid, other):
        with as_platform("operator", "quietly"):
            Bid.objects.filter(pk=each.pk).update(state="disqualified", reason="late")
    assert missing(aurora, task) == ["Borealis"]


def test_bid_that_was_reinstated_and_put_out_again_without_an_entry_is_named(aurora, borealis):
    task, bid = contest(aurora, borealis)
    disqualified(aurora, bid)
    with aurora.acting():
        awarding.reinstate_bid(bid=access.get_bid_to_judge(bid.pk))
    assert missing(aurora, task) == []
    superuser(STATE, "disqualified", bid.pk)
    assert missing(aurora, task) == ["Borealis"] and seen(aurora, bid).state == "disqualified"


def told_of_an_altered_award(*parties):
    return [[body["reason"] for body in bodies(party, "bid.altered")] for party in parties]


def test_award_of_a_bid_that_was_altered_is_told_to_owner_and_firm_once(aurora, borealis, cassia):
    task, bid, _ = contest(aurora, borealis, cassia)
    awarded(aurora, bid)
    standstill_over(bid)
    superuser("UPDATE marketplace_bidversion SET commitment = repeat('a', 64) WHERE bid_id = %s", bid.pk)
    for _ in range(2):
        sweep_bids()
    words = ["What the winning bid says is not what its firm committed itself to."]
    assert told_of_an_altered_award(aurora, borealis, cassia) == [words, words, []]
    for party in (aurora, borealis):
        with party.acting():
            assert entries_where(kind="bid.altered", subject=task.pk).count() == 1
    assert state_of(task, aurora) == "awarded"


def test_award_that_was_cancelled_before_it_could_be_told_of_is_not_told_of(aurora, borealis):
    task, bid = contest(aurora, borealis)
    awarded(aurora, bid)
    with aurora.acting():
        task_actions.cancel_task(task=tasks.get_own_task(task.pk))
    with as_platform("sweep", "it read the award before"):
        awarding.tell_waiting(task, NotAsEntered("The task is not what its owner published."))
    assert told_of_an_altered_award(aurora, borealis) == [[], []]


def test_firm_that_was_awarded_hears_of_another_in_its_place(aurora, borealis, cassia):
    _, won, lost = contest(aurora, borealis, cassia)
    awarded(aurora, won)
    swapped(won, lost)
    sweep_bids()
    assert [len(told) for told in told_of_an_altered_award(aurora, borealis, cassia)] == [1, 1, 0]


def test_another_award_of_the_task_is_told_of_too(aurora, borealis, cassia):
    task, bid, other = contest(aurora, borealis, cassia)
    for n in (1, 2):
        awarded(aurora, bid)
        complaint = complained(cassia, other)
        set_aside(complaint, True)
        swapped(bid, other)
        sweep_bids()
        assert len(bodies(aurora, "bid.altered")) == n
        swapped(other, bid)
        set_aside(complaint, False)
        decided(aurora, complaint, True)
    assert state_of(task, aurora) == "evaluating"


def set_aside(complaint, is_aside):
    """So that it does not keep the award waiting, or does again."""
    state = "state = 'rejected', decided_at = now()" if is_aside else "state = 'open', decided_at = NULL"
    superuser(f"UPDATE marketplace_complaint SET {state} WHERE id = %s", complaint.pk)


def swapped(won, lost):
    """Who has won and who has lost, long ago."""
    superuser(STATE, "lost", won.pk)
    superuser(STATE, "won", lost.pk)
    standstill_over(lost)


def test_work_that_nobody_answers_is_not_accepted_for_an_altered_fee_and_that_is_told_once(aurora, borealis):
    task = published(aurora)
    claim = claimed(task, borealis)
    submitted(task, borealis)
    answer_over(claim)
    superuser("UPDATE marketplace_servicetask SET fee_minor = 1 WHERE id = %s", task.pk)
    for _ in range(2):
        sweep_lapsed_claims()
    for party in (aurora, borealis):
        assert [body["terms"] for body in bodies(party, "task.altered")] == [["fee_minor"]]
    assert state_of(task, aurora) == "submitted"


def test_only_the_owners_own_ledger_says_what_was_published(aurora, borealis):
    _, task = published(aurora), published(aurora)
    with borealis.acting():
        enter(kind="task.published", subject=task.pk, payload={"title": "another task"})
    claim = claimed(task, borealis)
    submitted(task, borealis)
    answer_over(claim)
    sweep_lapsed_claims()
    assert state_of(task, aurora) == "closed" and bodies(aurora, "task.altered") == []


def test_award_without_any_winner_says_so(aurora, borealis):
    task, bid = contest(aurora, borealis)
    awarded(aurora, bid)
    superuser(STATE, "lost", bid.pk)
    with pytest.raises(Conflict, match="is not the one that has won here"):
        conclude(aurora, task)
