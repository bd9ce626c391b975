"""What somebody with the database in hand changes after the opening is seen before anything is agreed on it."""

import pytest

from marketplace import access as tasks
from marketplace import actions as task_actions
from marketplace.bids import access, awarding, queries, sweeping
from marketplace.models import Bid
from tenants.context import as_platform
from tenants.data import Conflict
from tests.integration.marketplace.bid_scenes import (
    awarded,
    evaluating,
    placed,
    quotation,
    scored,
    seen,
    standstill_over,
    superuser,
)
from tests.integration.marketplace.scenes import claimed, published, state_of, submitted

STATE = "UPDATE marketplace_bid SET state = %s WHERE id = %s"


def contest(aurora, *firms, **terms):
    """Their bids under evaluation, scored alike."""
    task = quotation(aurora, standstill_h=240, **terms)
    bids = [placed(firm, task).bid for firm in firms]
    evaluating(aurora, task)
    for bid in bids:
        scored(aurora, bid, 50)
    return task, *bids


def conclude(owner, task):
    with owner.acting():
        awarding.conclude_award(task=tasks.get_own_task(task.pk))


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
    superuser(STATE, "lost", won.pk)
    superuser(STATE, "won", lost.pk)
    standstill_over(lost)
    with pytest.raises(Conflict, match="not the one that the owner's ledger says was awarded"):
        conclude(aurora, task)
    superuser(STATE, "lost", lost.pk)
    superuser(STATE, "won", won.pk)
    standstill_over(won)
    conclude(aurora, task)


@pytest.mark.parametrize(
    "change",
    [f"UPDATE marketplace_bidscore SET {said} WHERE bid_id = %s" for said in ("points = 0", "reason = 'none'")]
    + ["DELETE FROM marketplace_bidscore WHERE bid_id = %s"],
)
def test_nothing_is_awarded_by_points_that_were_altered(aurora, borealis, cassia, change):
    _, worse, better = contest(aurora, borealis, cassia)
    scored(aurora, better, 90)
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
    with aurora.acting():
        awarding.disqualify_bid(bid=access.get_bid_to_judge(other.pk), reason="no certificate for cranes")
    assert missing(aurora, task) == []
    for each in (bid, other):
        with as_platform("operator", "quietly"):
            Bid.objects.filter(pk=each.pk).update(state="disqualified", reason="late")
    assert missing(aurora, task) == ["Borealis"]


def test_bid_that_was_reinstated_and_put_out_again_without_an_entry_is_named(aurora, borealis):
    task, bid = contest(aurora, borealis)
    with aurora.acting():
        awarding.disqualify_bid(bid=access.get_bid_to_judge(bid.pk), reason="no certificate for cranes")
        awarding.reinstate_bid(bid=access.get_bid_to_judge(bid.pk))
    assert missing(aurora, task) == []
    superuser(STATE, "disqualified", bid.pk)
    assert missing(aurora, task) == ["Borealis"] and seen(aurora, bid).state == "disqualified"
