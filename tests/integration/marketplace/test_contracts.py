"""A contract from its writing to its last milestone: who may do what, what opens and closes, and for how long."""

import json
from datetime import timedelta

import pytest

from marketplace.contracts import access, actions, queries, settlement
from tenants.context import as_platform
from tenants.data import Conflict, Forbidden, Invalid, NotFound
from tenants.ledger.queries import entries_where
from tenants.models import Tenant
from tests.integration.marketplace import scenes
from tests.integration.marketplace.contract_scenes import (
    PRICE,
    accepted,
    awarded,
    contract_seen,
    extend,
    kinds,
    milestone,
    states,
    submitted,
    written,
)
from tests.integration.marketplace.scenes import sees_pump


def test_contract_opens_what_the_task_lists_until_the_last_milestone_is_accepted(aurora, borealis, cassia):
    contract = written(aurora, borealis)
    assert sees_pump(borealis, aurora) and not sees_pump(cassia, aurora)
    with borealis.acting():
        assert [each.amount_minor for each in queries.milestones_of(contract)] == [83_325, 83_326, 83_350]
        assert access.get_contract(contract.pk).task.title == contract.title
    with cassia.acting(), pytest.raises(NotFound):
        access.get_contract(contract.pk)
    accepted(aurora, borealis, contract, 1, 2)
    assert sees_pump(borealis, aurora)
    accepted(aurora, borealis, contract, 3)
    assert not sees_pump(borealis, aurora)
    assert states(borealis, contract) == ["fulfilled", *["accepted"] * 3]
    assert scenes.state_of(contract.task, aurora) == "closed"


def test_contract_of_a_firm_that_is_not_listed_is_written(aurora, borealis):
    with as_platform("tests", "hide a firm"):
        Tenant.objects.filter(pk=borealis.id).update(listed=False)
    contract = written(aurora, borealis)
    assert (contract.owner_name, contract.firm_name) == ("Aurora", "Borealis")


def test_sweep_writes_a_contract_whose_time_has_come(aurora, borealis):
    task = awarded(aurora)
    with as_platform("sweep", "the standstill is over"):
        contract = actions.write_contract(task=task, firm_id=borealis.id, price_minor=PRICE, currency="USD")
    assert sees_pump(borealis, aurora)
    assert kinds(aurora, contract) == kinds(borealis, contract) == ["contract.written"]


def test_each_step_is_the_right_partys_and_of_the_right_role(aurora, borealis):
    contract = written(aurora, borealis)
    with aurora.acting(), pytest.raises(Forbidden, match="firm's step"):
        actions.submit_milestone(milestone=milestone(contract))
    submitted(borealis, contract)
    with borealis.acting(), pytest.raises(Forbidden, match="buyer's step"):
        actions.accept_milestone(milestone=milestone(contract))
    with aurora.acting("finance"), pytest.raises(Forbidden, match="post_tasks"):
        actions.accept_milestone(milestone=milestone(contract))
    with aurora.acting():
        actions.accept_milestone(milestone=milestone(contract))
    with aurora.acting("operator"), pytest.raises(Forbidden, match="settle"):
        settlement.receive_milestone(milestone=milestone(contract))
    with borealis.acting(), pytest.raises(Forbidden, match="buyer's step"):
        settlement.receive_milestone(milestone=milestone(contract))
    with aurora.acting("finance"):
        settlement.receive_milestone(milestone=milestone(contract))
    with aurora.acting(), pytest.raises(Forbidden, match="firm's step"):
        settlement.send_invoice(contract=access.get_contract(contract.pk), number="1", lines=[])
    assert states(aurora, contract)[1] == "receipted"


def test_rework_needs_a_reason_and_the_firm_submits_again(aurora, borealis):
    contract = written(aurora, borealis)
    submitted(borealis, contract)
    with aurora.acting(), pytest.raises(Invalid, match="reason"):
        actions.request_milestone_rework(milestone=milestone(contract), reason=" ")
    with aurora.acting():
        actions.request_milestone_rework(milestone=milestone(contract), reason="the seal leaks")
    accepted(aurora, borealis, contract)
    with borealis.acting():
        first = queries.milestones_of(contract)[0]
        assert [(each.outcome, each.reason) for each in first.inspections.all()] == [
            ("rework", "the seal leaks"),
            ("accepted", ""),
        ]
        assert first.submissions.count() == 2


def test_step_on_what_has_changed_meanwhile_is_refused(aurora, borealis):
    contract = written(aurora, borealis)
    with aurora.acting():
        stale = milestone(contract, 2)
    submitted(borealis, contract, 2)
    stale.state = "submitted"
    with aurora.acting(), pytest.raises(Conflict, match="changed since it was read"):
        actions.accept_milestone(milestone=stale)
    assert states(aurora, contract)[2] == "submitted"


def test_buyer_leaves_the_data_open_for_longer_under_the_agreement_that_follows(aurora, borealis):
    contract = written(aurora, borealis)
    with pytest.raises(Forbidden, match="buyer's step"):
        extend(borealis, contract)
    extend(aurora, contract)
    longer = contract_seen(aurora, contract)
    assert longer.access_until == contract.access_until + timedelta(hours=48)
    assert longer.agreement_id != contract.agreement_id and sees_pump(borealis, aurora)
    for party in (aurora, borealis):
        with party.acting():
            (entry,) = entries_where(kind="contract.reopened", subject=contract.pk)
            assert json.loads(entry.payload)["agreement"] == str(longer.agreement_id)
    accepted(aurora, borealis, contract, 1, 2, 3)
    assert not sees_pump(borealis, aurora)
    with pytest.raises(Conflict, match="only while it is in progress"):
        extend(aurora, contract)


def test_milestones_that_do_not_make_up_the_price_are_refused(aurora, borealis):
    task = awarded(aurora)
    bad = [{"title": "all", "share_bp": 9_000, "due_d": 1}]
    with aurora.acting(), pytest.raises(Invalid, match="milestones"):
        actions.write_contract(task=task, firm_id=borealis.id, price_minor=1, currency="USD", milestones=bad)
