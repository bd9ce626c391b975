"""What is owed under a contract: received, invoiced, matched, kept back, paid; and who is told."""

from datetime import UTC, datetime

import pytest

from marketplace.contracts import access, queries, settlement
from marketplace.models import Contract, Milestone
from marketplace.tasks import sweep_retentions
from tenants.context import as_platform
from tenants.data import Conflict, Forbidden, Invalid
from tenants.ledger.queries import entries_where
from tests.integration.marketplace import scenes
from tests.integration.marketplace.contract_scenes import (
    PRICE,
    THIRDS,
    accepted,
    billed,
    closed,
    disputed_by,
    kinds,
    milestone,
    paid,
    received,
    released,
    settled,
    states,
    withdrawn_by,
    written,
)
from tests.integration.marketplace.scenes import accept

WARRANTY = {"retention_bp": 1_000, "warranty_d": 30}


def balances(party, contract):
    with party.acting():
        return queries.balances_of(contract)


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
    disputed_by(aurora, contract)
    with as_platform("tests", "the warranty is over"):
        Milestone.objects.filter(contract=contract, number=1).update(retained_until=datetime.now(UTC))
    sweep_retentions()
    assert states(aurora, contract)[1] == "paid"
    withdrawn_by(aurora, contract)
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
