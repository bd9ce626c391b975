"""How long a contract opens the data, what was used under its agreements, how a dispute after the work ends."""

from datetime import timedelta

import pytest

from marketplace.contracts import access, actions, ratings
from marketplace.contracts.statement import statement_of
from marketplace.models import Claim, Contract, Milestone, Submission
from tenants.agreements.actions import suspend_agreement
from tenants.data import Conflict
from tenants.models import Agreement
from tests.functional.console.scenes import sign_in
from tests.functional.console.test_contract_pages import take
from tests.integration.edge.test_trends import sent
from tests.integration.marketplace import scenes
from tests.integration.marketplace.bid_scenes import bodies, superuser
from tests.integration.marketplace.contract_scenes import (
    accepted,
    contract_seen,
    disputed_by,
    milestone,
    settled,
    submitted,
    terminated_by,
    withdrawn_by,
    written,
)
from tests.integration.marketplace.scenes import accept, end_by_hand, extend, release, sees_pump

RULE = {"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 5}


def window_of(party, contract):
    with party.acting():
        return Agreement.objects.get(pk=contract.agreement_id).clauses.get().during


def rework(owner, contract):
    with owner.acting():
        actions.request_milestone_rework(milestone=milestone(contract), reason="the seal leaks")


def test_data_stays_open_past_the_day_on_which_the_last_milestone_is_due(aurora, borealis):
    contract = written(aurora, borealis)
    with aurora.acting():
        last = Milestone.objects.filter(contract=contract).latest("due_at").due_at
    assert contract.access_until == window_of(aurora, contract).upper == last + timedelta(hours=48)


def test_rework_opens_the_data_again_for_the_time_that_the_task_offers(aurora, borealis):
    contract = written(aurora, borealis)
    submitted(borealis, contract)
    rework(aurora, contract)
    assert contract_seen(aurora, contract).agreement_id == contract.agreement_id, "there was time enough left"
    submitted(borealis, contract)
    superuser("UPDATE marketplace_contract SET access_until = now() WHERE id = %s", contract.pk)
    rework(aurora, contract)
    again = contract_seen(borealis, contract)
    assert again.agreement_id != contract.agreement_id and sees_pump(borealis, aurora)
    assert window_of(aurora, again).upper == again.access_until
    for party in (aurora, borealis):
        assert [body["contract"] for body in bodies(party, "contract.reopened")] == [str(contract.pk)]


@pytest.mark.parametrize("by", [end_by_hand, suspend_agreement])
def test_who_may_not_manage_agreements_opens_nothing_that_was_shut(aurora, borealis, by):
    contract = written(aurora, borealis)
    submitted(borealis, contract)

    def extend(role):
        with aurora.acting(role):
            actions.extend_access(contract=access.get_contract(contract.pk), hours=2)

    def ask_for_rework(role):
        with aurora.acting(role):
            actions.request_milestone_rework(milestone=milestone(contract), reason="the seal leaks")

    extend("operator")
    for reopen in (extend, ask_for_rework):
        superuser("UPDATE marketplace_contract SET access_until = now() WHERE id = %s", contract.pk)
        with aurora.acting():
            by(agreement=access.get_contract(contract.pk).agreement)
        with pytest.raises(Conflict, match="ended or suspended by hand"):
            reopen("operator")
        assert not sees_pump(borealis, aurora)
        reopen("manager")
        assert sees_pump(borealis, aurora)


def test_statement_has_what_was_used_under_every_agreement_that_the_contract_has_had(aurora, borealis):
    scenes.alarm_of(aurora)
    contract = written(aurora, borealis)
    pump = f"/api/v1/equipment/{aurora.equipment['PUMP-07'].pk}/series"
    assert borealis.client().get(pump).data["results"]
    for party in (borealis, borealis):
        disputed_by(party, contract)
        withdrawn_by(party, contract)
        assert borealis.client().get(pump).data["results"]
    with borealis.acting():
        found = statement_of(access.get_contract(contract.pk))
    assert len({use.agreement_id for use in found.uses}) == 3 and not found.has_more_uses


def test_statement_of_a_claim_leaves_out_what_was_used_under_earlier_claims_on_its_task(aurora, borealis):
    task = scenes.published(aurora, alarm_id=scenes.alarm_of(aurora).pk)
    pump, agreements = f"/api/v1/equipment/{aurora.equipment['PUMP-07'].pk}/series", []
    for token in (1, 2):
        agreements.append(scenes.claimed(task, borealis).agreement_id)
        assert borealis.client().get(pump).data["results"]
        if token == 1:
            release(task, borealis)
    extend(task, aurora)
    assert borealis.client().get(pump).data["results"]
    scenes.submitted(task, borealis, 2)
    accept(task, aurora)
    with borealis.acting():
        contract = access.get_contract(Contract.objects.get(task=task).pk)
        used = {use.agreement_id for use in statement_of(contract).uses}
    assert used == {agreements[1], contract.agreement_id}


def test_statement_says_that_there_are_more_uses_than_it_lists(aurora, borealis, monkeypatch):
    scenes.alarm_of(aurora)
    contract = written(aurora, borealis)
    for _ in range(2):
        borealis.client().get(f"/api/v1/equipment/{aurora.equipment['PUMP-07'].pk}/series")
    monkeypatch.setattr("marketplace.contracts.statement.MOST_USES", 1)
    with borealis.acting():
        found = statement_of(access.get_contract(contract.pk))
    assert (len(found.uses), found.has_more_uses) == (1, True)


def test_dispute_after_all_work_is_accepted_ends_in_the_settlement_and_the_contract_is_rated(aurora, borealis):
    contract = written(aurora, borealis, milestones=[])
    accepted(aurora, borealis, contract)
    disputed_by(aurora, contract)
    terminated_by(aurora, contract)
    assert contract_seen(aurora, contract).state == "fulfilled" and not sees_pump(borealis, aurora)
    settled(aurora, borealis, contract, 1)
    with borealis.acting():
        assert ratings.rate(contract=access.get_contract(contract.pk), stars=3).stars == 3


def test_claimed_work_is_held_against_its_rule_when_it_is_submitted(aurora, borealis, cassia):
    """Whether a reaction is on or not; the contract keeps that evidence, not one of the day of acceptance."""
    sent(aurora, [2.0] * 360, tag="vibration", unit="mm/s")
    task = scenes.published(aurora, terms=scenes.terms(acceptance=RULE), equipment_id=aurora.equipment["PUMP-07"].pk)
    scenes.claimed(task, borealis)
    scenes.submitted(task, borealis)
    with aurora.acting():
        evidence = Claim.objects.get(task=task).evidence
    assert evidence["worst"] == "2" and not evidence["passed"]
    for party in (aurora, borealis):
        assert [body["evidence"] for body in bodies(party, "task.evidence")] == [evidence]
    assert bodies(cassia, "task.evidence") == []
    accept(task, aurora)
    with borealis.acting():
        assert Submission.objects.get(contract=Contract.objects.get(task=task)).evidence == evidence


@pytest.mark.parametrize(("tax", "tolerance"), [("51", "0"), ("0", "11")])
def test_terms_out_of_range_are_refused_in_words(aurora, borealis, tax, tolerance):
    contract = written(aurora, borealis)
    answer = take(sign_in(aurora), f"/contracts/{contract.pk}", "terms", tax=tax, tolerance=tolerance)
    assert answer.status_code == 422 and b"basis points" in answer.content
