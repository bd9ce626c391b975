"""A contract from its writing to its end: who may do what, what opens and closes, what is owed, and who is told."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from marketplace.contracts import access, actions, disputes, mediation, queries, ratings, settlement
from marketplace.contracts.data import BLIND_D
from marketplace.models import Contract, Milestone, Rating
from marketplace.tasks import sweep_retentions
from tenants.agreements.actions import end_agreement, suspend_agreement
from tenants.context import as_platform
from tenants.data import Conflict, Forbidden, Invalid, NotFound
from tenants.ledger.queries import entries_where
from tenants.models import FeedEvent, Tenant
from tests.integration.marketplace import scenes
from tests.integration.marketplace.bid_scenes import superuser
from tests.integration.marketplace.contract_scenes import (
    PRICE,
    THIRDS,
    accepted,
    awarded,
    billed,
    closed,
    contract_seen,
    milestone,
    paid,
    received,
    released,
    settled,
    submitted,
    written,
)
from tests.integration.marketplace.scenes import accept, sees_pump

WARRANTY = {"retention_bp": 1_000, "warranty_d": 30}


def states(party, contract):
    with party.acting():
        return [
            Contract.objects.get(pk=contract.pk).state,
            *(each.state for each in Milestone.objects.filter(contract=contract)),
        ]


def balances(party, contract):
    with party.acting():
        return queries.balances_of(contract)


def kinds(party, contract):
    with party.acting():
        rows = FeedEvent.objects.filter(body__contract=str(contract.pk)).order_by("seq")
        return [row.kind for row in rows]


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


def test_matched_invoice_is_payable_less_the_retention_which_follows_the_warranty(aurora, borealis):
    contract = written(aurora, borealis, **WARRANTY)
    with aurora.acting():
        settlement.set_terms(contract=access.get_contract(contract.pk), tax_bp=1_900, tolerance_bp=0)
    accepted(aurora, borealis, contract)
    received(aurora, contract)
    assert balances(borealis, contract) == {"work_in_progress": 83_325, "accrued": -83_325}
    assert billed(borealis, contract, "F-1", (1, 83_325, 15_832)).state == "matched"
    assert paid(aurora, contract, reference="SEPA 1") == 83_325 + 15_832 - 8_333
    now = balances(aurora, contract)
    assert (now["payable"], now["retention"], now["cash"], now["accrued"]) == (0, -8_333, -90_824, 0)
    sweep_retentions()
    assert states(aurora, contract)[1] == "paid"
    with as_platform("tests", "the warranty is over"):
        Milestone.objects.filter(contract=contract, number=1).update(retained_until=datetime.now(UTC))
    sweep_retentions()
    assert states(aurora, contract)[1] == "released"
    assert paid(aurora, contract) == 8_333
    assert states(aurora, contract)[1] == "settled"
    assert balances(aurora, contract)["retention"] == 0


def test_retention_is_released_early_by_the_buyer_only_and_not_in_a_dispute(aurora, borealis):
    contract = written(aurora, borealis, **WARRANTY)
    accepted(aurora, borealis, contract)
    settled(aurora, borealis, contract, 1)
    with borealis.acting(), pytest.raises(Forbidden):
        settlement.release_retention(milestone=milestone(contract))
    with aurora.acting():
        disputes.open_dispute(contract=access.get_contract(contract.pk), reason="not done")
    with as_platform("tests", "the warranty is over"):
        Milestone.objects.filter(contract=contract, number=1).update(retained_until=datetime.now(UTC))
    sweep_retentions()
    assert states(aurora, contract)[1] == "paid"
    with aurora.acting():
        disputes.withdraw_dispute(contract=access.get_contract(contract.pk))
    released(aurora, contract)
    assert states(aurora, contract)[1] == "released"


def test_invoice_that_does_not_agree_is_returned_and_another_one_is_matched(aurora, borealis):
    contract = written(aurora, borealis)
    accepted(aurora, borealis, contract)
    received(aurora, contract, amount_minor=80_000, note="one seal is missing")
    wrong = billed(borealis, contract, "F-1", (1, 83_325, 10))
    with aurora.acting():
        findings = wrong.lines.get().findings
    assert len(findings) == 2 and "the receipt says 80000" in findings[0] and "it is 0" in findings[1]
    assert states(aurora, contract)[1] == "invoiced"
    with aurora.acting(), pytest.raises(Conflict, match="can't take 'pay'"):
        settlement.pay_milestone(milestone=milestone(contract))
    with aurora.acting():
        settlement.return_invoice(invoice=access.get_invoice(wrong.pk), reason="80,000 was received")
    with aurora.acting(), pytest.raises(Conflict, match="only one that does not agree"):
        settlement.return_invoice(invoice=access.get_invoice(wrong.pk), reason="again")
    with pytest.raises(Conflict, match="invoice F-1 of yours"):
        billed(borealis, contract, "F-1", (1, 80_000, 0))
    assert billed(borealis, contract, "F-2", (1, 80_000, 0)).state == "matched"
    assert paid(aurora, contract) == 80_000


def test_what_was_not_received_can_not_be_invoiced_nor_more_received_than_agreed(aurora, borealis):
    contract = written(aurora, borealis)
    accepted(aurora, borealis, contract)
    with pytest.raises(Conflict, match="only what was received"):
        billed(borealis, contract, "F-1", (1, 83_325, 0))
    with pytest.raises(Invalid) as refused:
        received(aurora, contract, amount_minor=83_326)
    assert refused.value.errors[0].pointer == "/amount_minor"
    received(aurora, contract)
    with pytest.raises(Invalid) as refused:
        billed(borealis, contract, "F-1", (1, 1, 0), (1, 1, 0))
    assert refused.value.errors[0].pointer == "/lines/1/milestone"
    with aurora.acting(), pytest.raises(Conflict, match="received under these terms"):
        settlement.set_terms(contract=access.get_contract(contract.pk), tax_bp=1, tolerance_bp=0)


def test_last_payment_closes_the_contract_and_both_were_told_of_every_step(aurora, borealis, cassia):
    contract = closed(aurora, borealis, milestones=THIRDS)
    assert states(borealis, contract) == ["closed", *["paid"] * 3]
    assert balances(aurora, contract)["cash"] == -PRICE
    told = kinds(aurora, contract)
    assert told == kinds(borealis, contract) and kinds(cassia, contract) == []
    steps = ["submitted", "accepted", "receipted", "invoiced", "matched", "paid"]
    assert {kind: told.count(kind) for kind in set(told)} == {
        **{f"milestone.{step}": 3 for step in steps},
        **dict.fromkeys(["contract.written", "contract.fulfilled", "contract.closed"], 1),
    }
    for party in (aurora, borealis):
        with party.acting():
            first = Milestone.objects.get(contract=contract, number=1)
            assert [entry.kind for entry in entries_where(subject=first.pk).order_by("seq")] == [
                f"milestone.{step}" for step in steps
            ]


def test_accepted_claim_leaves_a_contract_that_is_settled_like_any_other(aurora, borealis):
    task = scenes.published(aurora)
    claim = scenes.claimed(task, borealis)
    scenes.submitted(task, borealis)
    accept(task, aurora)
    with aurora.acting():
        contract = Contract.objects.get(task=task)
        assert (contract.price_minor, contract.agreement_id) == (task.fee_minor, claim.agreement_id)
        first = queries.milestones_of(contract).get()
        assert (first.amount_minor, first.submissions.get().note) == (task.fee_minor, "bearing replaced")
    assert states(borealis, contract) == ["fulfilled", "accepted"]
    settled(aurora, borealis, contract, 1)
    assert states(borealis, contract) == ["closed", "paid"]


def test_platforms_fee_is_in_the_buyers_books_only(aurora, borealis):
    contract = written(aurora, borealis)
    accepted(aurora, borealis, contract, 1, 2, 3)
    with aurora.acting():
        (entry,) = queries.journal_of(contract).filter(kind="fee")
        assert {line.account: line.amount_minor for line in entry.lines.all()} == {
            "platform_fee": 200,
            "platform_payable": -200,
        }
    with borealis.acting():
        assert not queries.journal_of(contract).filter(kind="fee").exists()
        assert "platform_fee" not in queries.balances_of(contract)


@pytest.mark.parametrize("opener", ["aurora", "borealis"])
def test_dispute_shuts_the_data_and_stops_everything_until_its_opener_is_content(aurora, borealis, opener):
    parties = {"aurora": aurora, "borealis": borealis}
    mine, others = parties.pop(opener), parties.popitem()[1]
    contract = written(aurora, borealis)
    accepted(aurora, borealis, contract)
    with mine.acting():
        disputes.open_dispute(contract=access.get_contract(contract.pk), reason="late")
    assert not sees_pump(borealis, aurora)
    for refused in (lambda: submitted(borealis, contract, 2), lambda: received(aurora, contract)):
        with pytest.raises(Conflict, match="disputed"):
            refused()
    for party, words in ((mine, "three days"), (others, "two days")):
        with party.acting():
            disputes.add_note(contract=access.get_contract(contract.pk), words=words)
    with others.acting(), pytest.raises(Forbidden, match="Who opened"):
        disputes.withdraw_dispute(contract=access.get_contract(contract.pk))
    with mine.acting():
        disputes.withdraw_dispute(contract=access.get_contract(contract.pk))
    assert sees_pump(borealis, aurora)
    with borealis.acting():
        (over,) = queries.disputes_of(contract)
        assert (over.outcome, [note.words for note in over.notes.all()]) == ("resumed", ["three days", "two days"])
        assert access.get_contract(contract.pk).agreement_id != contract.agreement_id


def end_by_hand(agreement):
    end_agreement(agreement=agreement, reason="in dispute")


def suspend_by_hand(agreement):
    suspend_agreement(agreement=agreement)


@pytest.mark.parametrize("shut", [end_by_hand, suspend_by_hand])
@pytest.mark.parametrize("opener", ["aurora", "borealis"])
def test_dispute_that_is_withdrawn_does_not_open_what_the_buyer_had_shut_before(aurora, borealis, opener, shut):
    mine = {"aurora": aurora, "borealis": borealis}[opener]
    contract = written(aurora, borealis)
    with aurora.acting():
        shut(access.get_contract(contract.pk).agreement)
    with mine.acting():
        disputes.open_dispute(contract=access.get_contract(contract.pk), reason="late")
    with mine.acting():
        disputes.withdraw_dispute(contract=access.get_contract(contract.pk))
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
    with borealis.acting():
        disputes.withdraw_dispute(contract=access.get_contract(contract.pk))
    again = contract_seen(aurora, contract)
    with aurora.acting():
        stood_still = queries.disputes_of(contract)[0].resolved_at - began_at
        clause = again.agreement.clauses.get()
    assert timedelta() < again.access_until - contract.access_until <= stood_still + timedelta(seconds=1)
    assert clause.during.upper == again.access_until


def test_dispute_after_the_work_goes_back_to_the_settlement_and_opens_nothing(aurora, borealis):
    contract = written(aurora, borealis)
    accepted(aurora, borealis, contract, 1, 2, 3)
    with borealis.acting():
        disputes.open_dispute(contract=access.get_contract(contract.pk), reason="not paid")
    with aurora.acting(), pytest.raises(Conflict, match="can't take"):
        settlement.receive_milestone(milestone=milestone(contract))
    with borealis.acting():
        disputes.withdraw_dispute(contract=access.get_contract(contract.pk))
    assert states(aurora, contract)[0] == "fulfilled" and not sees_pump(borealis, aurora)
    settled(aurora, borealis, contract, 1, 2, 3)
    assert states(aurora, contract)[0] == "closed"


@pytest.mark.parametrize("after_dispute", [False, True])
def test_termination_shuts_the_data_and_leaves_what_was_accepted_to_be_paid(aurora, borealis, after_dispute):
    contract = written(aurora, borealis)
    accepted(aurora, borealis, contract)
    if after_dispute:
        with aurora.acting():
            disputes.open_dispute(contract=access.get_contract(contract.pk), reason="late")
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


def extend(party, contract, hours=48):
    with party.acting():
        actions.extend_access(contract=access.get_contract(contract.pk), hours=hours)


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


def terminate(party, contract):
    with party.acting():
        disputes.terminate_contract(contract=access.get_contract(contract.pk), reason="enough")


def test_buyer_answers_what_was_submitted_before_it_terminates(aurora, borealis):
    contract = written(aurora, borealis)
    submitted(borealis, contract, 2)
    with pytest.raises(Conflict, match="accept it, ask for rework or open a dispute first"):
        terminate(aurora, contract)
    assert states(aurora, contract) == ["in_progress", "planned", "submitted", "planned"]
    with aurora.acting():
        actions.request_milestone_rework(milestone=milestone(contract, 2), reason="it leaks")
    with pytest.raises(Conflict, match="or to mend it"):
        terminate(aurora, contract)
    asked = "UPDATE marketplace_inspection SET created_at = now() - %s::interval WHERE contract_id = %s"
    assert superuser(asked, "6 days 23 hours", contract.pk) == 1
    with pytest.raises(Conflict, match="or to mend it"):
        terminate(aurora, contract)
    assert superuser(asked, "7 days", contract.pk) == 1
    terminate(aurora, contract)
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
        terminate(aurora, mended)
    with aurora.acting():
        actions.accept_milestone(milestone=milestone(mended))
    terminate(aurora, mended)
    with aurora.acting():
        dispute = disputes.open_dispute(contract=access.get_contract(contract.pk), reason="it leaks")
    with pytest.raises(Conflict, match="or to mend it"):
        terminate(aurora, contract)
    a_mediator_recommends(aurora, borealis, delta, dispute)
    terminate(aurora, contract)
    assert states(aurora, contract)[0] == states(aurora, mended)[0] == "terminated"


def test_firm_gives_up_with_work_submitted(aurora, borealis):
    contract = written(aurora, borealis)
    submitted(borealis, contract)
    terminate(borealis, contract)
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
    with aurora.acting():
        dispute = disputes.open_dispute(contract=access.get_contract(contract.pk), reason="it leaks again")
    with pytest.raises(Conflict, match="Who opened the dispute is to be heard"):
        terminate(borealis, contract)
    assert states(aurora, contract)[0] == "disputed"
    opener_is_heard(aurora, borealis, delta, dispute)
    terminate(borealis, contract)
    assert states(aurora, contract)[0] == "fulfilled"


@pytest.mark.parametrize("firm_is_heard", [a_week_passes, a_mediator_recommends])
def test_buyer_terminates_over_submitted_work_once_the_firm_was_heard(aurora, borealis, delta, firm_is_heard):
    contract = written(aurora, borealis)
    submitted(borealis, contract)
    with aurora.acting():
        dispute = disputes.open_dispute(contract=access.get_contract(contract.pk), reason="it leaks")
    with pytest.raises(Conflict, match="is to be heard"):
        terminate(aurora, contract)
    assert states(aurora, contract)[0] == "disputed"
    firm_is_heard(aurora, borealis, delta, dispute)
    terminate(aurora, contract)
    assert states(aurora, contract)[0] == "terminated"


def given(party, contract, stars):
    with party.acting():
        return ratings.rate(contract=access.get_contract(contract.pk), stars=stars, words=f"{stars} stars")


def seen(party, contract):
    with party.acting():
        return sorted(queries.ratings_of(contract).values_list("stars", flat=True))


def test_ratings_are_blind_until_both_are_given(aurora, borealis, cassia):
    contract = closed(aurora, borealis)
    given(borealis, contract, 4)
    assert (seen(aurora, contract), seen(borealis, contract)) == ([], [4])
    given(aurora, contract, 2)
    assert seen(aurora, contract) == seen(borealis, contract) == [2, 4]
    assert seen(cassia, contract) == []
    with pytest.raises(Conflict, match="already"):
        given(aurora, contract, 5)


def test_rating_is_read_alone_once_the_time_for_the_other_is_over(aurora, borealis):
    contract = closed(aurora, borealis)
    rating = given(aurora, contract, 1)
    assert rating.revealed_at == contract.closed_at + timedelta(days=BLIND_D)
    assert seen(borealis, contract) == []
    with aurora.acting():
        Rating.objects.filter(pk=rating.pk).update(revealed_at=datetime.now(UTC))
    assert seen(borealis, contract) == [1]
    given(borealis, contract, 5)
    assert seen(aurora, contract) == [1, 5]


def test_only_a_closed_contract_is_rated_with_one_to_five_stars(aurora, borealis):
    open_one = written(aurora, borealis)
    with pytest.raises(Conflict, match="once it is closed"):
        given(aurora, open_one, 3)
    contract = closed(aurora, borealis)
    for stars in (0, 6):
        with pytest.raises(Invalid, match="rating"):
            given(aurora, contract, stars)


def test_milestones_that_do_not_make_up_the_price_are_refused(aurora, borealis):
    task = awarded(aurora)
    bad = [{"title": "all", "share_bp": 9_000, "due_d": 1}]
    with aurora.acting(), pytest.raises(Invalid, match="milestones"):
        actions.write_contract(task=task, firm_id=borealis.id, price_minor=1, currency="USD", milestones=bad)
