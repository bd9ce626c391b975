"""Disputes and terminations: what they stop, what they shut, and who is heard first."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.contracts import access, actions, disputes, mediation, queries, settlement
from tenants.agreements.actions import suspend_agreement
from tenants.data import Conflict, Forbidden
from tests.integration.marketplace import scenes
from tests.integration.marketplace.bid_scenes import superuser
from tests.integration.marketplace.contract_scenes import (
    accepted,
    contract_seen,
    disputed_by,
    extend,
    kinds,
    milestone,
    received,
    settled,
    states,
    submitted,
    terminated_by,
    withdrawn_by,
    written,
)
from tests.integration.marketplace.scenes import end_by_hand, sees_pump


@pytest.mark.parametrize("opener", ["aurora", "borealis"])
def test_dispute_shuts_the_data_and_stops_everything_until_its_opener_is_content(aurora, borealis, opener):
    parties = {"aurora": aurora, "borealis": borealis}
    mine, others = parties.pop(opener), parties.popitem()[1]
    contract = written(aurora, borealis)
    accepted(aurora, borealis, contract)
    disputed_by(mine, contract)
    assert not sees_pump(borealis, aurora)
    for refused in (lambda: submitted(borealis, contract, 2), lambda: received(aurora, contract)):
        with pytest.raises(Conflict, match="disputed"):
            refused()
    for party, words in ((mine, "three days"), (others, "two days")):
        with party.acting():
            disputes.add_note(contract=access.get_contract(contract.pk), words=words)
    with others.acting(), pytest.raises(Forbidden, match="Who opened"):
        disputes.withdraw_dispute(contract=access.get_contract(contract.pk))
    withdrawn_by(mine, contract)
    assert sees_pump(borealis, aurora)
    with borealis.acting():
        (over,) = queries.disputes_of(contract)
        assert (over.outcome, [note.words for note in over.notes.all()]) == ("resumed", ["three days", "two days"])
        assert access.get_contract(contract.pk).agreement_id != contract.agreement_id


@pytest.mark.parametrize("shut", [end_by_hand, suspend_agreement])
@pytest.mark.parametrize("opener", ["aurora", "borealis"])
def test_dispute_that_is_withdrawn_does_not_open_what_the_buyer_had_shut_before(aurora, borealis, opener, shut):
    mine = {"aurora": aurora, "borealis": borealis}[opener]
    contract = written(aurora, borealis)
    with aurora.acting():
        shut(agreement=access.get_contract(contract.pk).agreement)
    disputed_by(mine, contract)
    withdrawn_by(mine, contract)
    assert states(aurora, contract)[0] == "in_progress" and not sees_pump(borealis, aurora)
    assert "contract.reopened" not in kinds(borealis, contract)
    extend(aurora, contract)
    assert sees_pump(borealis, aurora)


def test_clock_of_the_data_stands_still_in_a_dispute(aurora, borealis):
    """However often somebody opens and ends one, the data is not open for longer than was agreed."""
    contract = written(aurora, borealis)
    with borealis.acting():
        disputes.open_dispute(contract=access.get_contract(contract.pk), reason="unclear")
        began_at = queries.open_dispute(contract).created_at
    withdrawn_by(borealis, contract)
    again = contract_seen(aurora, contract)
    with aurora.acting():
        stood_still = queries.disputes_of(contract)[0].resolved_at - began_at
        clause = again.agreement.clauses.get()
    assert timedelta() < again.access_until - contract.access_until <= stood_still + timedelta(seconds=1)
    assert clause.during.upper == again.access_until


def test_dispute_after_the_work_goes_back_to_the_settlement_and_opens_nothing(aurora, borealis):
    contract = written(aurora, borealis)
    accepted(aurora, borealis, contract, 1, 2, 3)
    disputed_by(borealis, contract)
    with aurora.acting(), pytest.raises(Conflict, match="can't take"):
        settlement.receive_milestone(milestone=milestone(contract))
    withdrawn_by(borealis, contract)
    assert states(aurora, contract)[0] == "fulfilled" and not sees_pump(borealis, aurora)
    settled(aurora, borealis, contract, 1, 2, 3)
    assert states(aurora, contract)[0] == "closed"


@pytest.mark.parametrize("after_dispute", [False, True])
def test_termination_shuts_the_data_and_leaves_what_was_accepted_to_be_paid(aurora, borealis, after_dispute):
    contract = written(aurora, borealis)
    accepted(aurora, borealis, contract)
    if after_dispute:
        disputed_by(aurora, contract)
    with borealis.acting("expert"), pytest.raises(Forbidden):
        disputes.terminate_contract(contract=access.get_contract(contract.pk), reason="no crew")
    with borealis.acting():
        disputes.terminate_contract(contract=access.get_contract(contract.pk), reason="no crew")
        assert queries.open_dispute(contract) is None
    assert not sees_pump(borealis, aurora)
    assert scenes.state_of(contract.task, aurora) == "terminated"
    with pytest.raises(Conflict, match="terminated"):
        submitted(borealis, contract, 2)
    settled(aurora, borealis, contract, 1)
    assert states(aurora, contract) == ["terminated", "paid", "planned", "planned"]


def test_buyer_answers_what_was_submitted_before_it_terminates(aurora, borealis):
    contract = written(aurora, borealis)
    submitted(borealis, contract, 2)
    with pytest.raises(Conflict, match="accept it, ask for rework or open a dispute first"):
        terminated_by(aurora, contract)
    assert states(aurora, contract) == ["in_progress", "planned", "submitted", "planned"]
    with aurora.acting():
        actions.request_milestone_rework(milestone=milestone(contract, 2), reason="it leaks")
    with pytest.raises(Conflict, match="or to mend it"):
        terminated_by(aurora, contract)
    asked = "UPDATE marketplace_inspection SET created_at = now() - %s::interval WHERE contract_id = %s"
    assert superuser(asked, "6 days 23 hours", contract.pk) == 1
    with pytest.raises(Conflict, match="or to mend it"):
        terminated_by(aurora, contract)
    assert superuser(asked, "7 days", contract.pk) == 1
    terminated_by(aurora, contract)
    assert states(aurora, contract)[0] == "terminated"


def test_firm_that_is_to_mend_is_heard_in_a_dispute_too_and_what_it_handed_in_again_is_answered(
    aurora, borealis, delta
):
    contract, mended = written(aurora, borealis), written(aurora, borealis)
    for each in (contract, mended):
        submitted(borealis, each)
        with aurora.acting():
            actions.request_milestone_rework(milestone=milestone(each), reason="it leaks")
    submitted(borealis, mended)
    with pytest.raises(Conflict, match="accept it, ask for rework"):
        terminated_by(aurora, mended)
    with aurora.acting():
        actions.accept_milestone(milestone=milestone(mended))
    terminated_by(aurora, mended)
    dispute = disputed_by(aurora, contract)
    with pytest.raises(Conflict, match="or to mend it"):
        terminated_by(aurora, contract)
    a_mediator_recommends(aurora, borealis, delta, dispute)
    terminated_by(aurora, contract)
    assert states(aurora, contract)[0] == states(aurora, mended)[0] == "terminated"


def test_firm_gives_up_with_work_submitted(aurora, borealis):
    contract = written(aurora, borealis)
    submitted(borealis, contract)
    terminated_by(borealis, contract)
    assert states(aurora, contract)[0] == "terminated"


def a_week_passes(aurora, borealis, delta, dispute):
    week_ago = datetime.now(UTC) - timedelta(days=7)
    assert superuser("UPDATE marketplace_dispute SET created_at = %s WHERE id = %s", week_ago, dispute.pk) == 1


def a_mediator_recommends(aurora, borealis, delta, dispute):
    with aurora.acting():
        mediation.propose_mediator(contract=access.get_contract(dispute.contract_id), mediator_id=delta.id)
    with borealis.acting():
        sits = mediation.agree_to_mediator(contract=access.get_contract(dispute.contract_id))
    with delta.acting():
        mediation.recommend(mediation=access.get_mediation(sits.pk), words="Part, and pay what was accepted.")


@pytest.mark.parametrize("opener_is_heard", [a_week_passes, a_mediator_recommends])
def test_dispute_about_accepted_work_is_ended_by_the_other_side_once_its_opener_was_heard(
    aurora, borealis, delta, opener_is_heard
):
    contract = written(aurora, borealis, milestones=[])
    accepted(aurora, borealis, contract)
    dispute = disputed_by(aurora, contract)
    with pytest.raises(Conflict, match="Who opened the dispute is to be heard"):
        terminated_by(borealis, contract)
    assert states(aurora, contract)[0] == "disputed"
    opener_is_heard(aurora, borealis, delta, dispute)
    terminated_by(borealis, contract)
    assert states(aurora, contract)[0] == "fulfilled"


@pytest.mark.parametrize("firm_is_heard", [a_week_passes, a_mediator_recommends])
def test_buyer_terminates_over_submitted_work_once_the_firm_was_heard(aurora, borealis, delta, firm_is_heard):
    contract = written(aurora, borealis)
    submitted(borealis, contract)
    dispute = disputed_by(aurora, contract)
    with pytest.raises(Conflict, match="is to be heard"):
        terminated_by(aurora, contract)
    assert states(aurora, contract)[0] == "disputed"
    firm_is_heard(aurora, borealis, delta, dispute)
    terminated_by(aurora, contract)
    assert states(aurora, contract)[0] == "terminated"
