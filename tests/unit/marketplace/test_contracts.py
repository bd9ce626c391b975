"""The tables of contracts and milestones, cell by cell; money in whole minor units that always add up."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.contracts import journal
from marketplace.contracts.data import AMOUNT_MINOR, WHOLE_BP, Matched, Share, amounts_of, part_of, refuse_bad_shares
from marketplace.contracts.lifecycle import (
    CONTRACTS,
    MILESTONES,
    SETTLEMENT,
    WORK,
    ContractEvent,
    ContractState,
    IllegalStep,
    MediationEvent,
    MediationState,
    MilestoneEvent,
    MilestoneState,
    next_contract_state,
    next_mediation_state,
    next_milestone_state,
)
from tenants.data import Invalid

CONTRACT_PICTURE = {
    "in_progress": {"fulfil": "fulfilled", "dispute": "disputed", "terminate": "terminated"},
    "fulfilled": {"close": "closed", "dispute": "disputed"},
    "disputed": {"resume": "in_progress", "restore": "fulfilled", "terminate": "terminated"},
}
MILESTONE_PICTURE = {
    "planned": {"submit": "submitted"},
    "submitted": {"accept": "accepted", "rework": "rework"},
    "rework": {"submit": "submitted"},
    "accepted": {"receive": "receipted"},
    "receipted": {"invoice": "invoiced"},
    "invoiced": {"match": "matched", "return": "receipted"},
    "matched": {"pay": "paid"},
    "paid": {"release": "released"},
    "released": {"pay": "settled"},
}
MEDIATION_PICTURE = {
    "proposed": {"agree": "sitting", "decline": "declined", "end": "ended"},
    "sitting": {"recommend": "recommended", "step down": "declined", "end": "ended"},
    "recommended": {"end": "ended"},
}
MINOR = st.integers(0, 10**15)


@pytest.mark.parametrize(("state", "event"), list(product(ContractState, ContractEvent)))
def test_every_cell_of_a_contract_is_as_pictured(state, event):
    target = CONTRACT_PICTURE.get(state, {}).get(event)
    if target is not None:
        assert next_contract_state(state, event) == target
    else:
        with pytest.raises(IllegalStep, match=f"can't take '{event}'"):
            next_contract_state(state, event)


@pytest.mark.parametrize(("state", "event"), list(product(MediationState, MediationEvent)))
def test_every_cell_of_a_mediation_is_as_pictured(state, event):
    target = MEDIATION_PICTURE.get(state, {}).get(event)
    if target is not None:
        assert next_mediation_state(state, event) == target
    else:
        with pytest.raises(IllegalStep, match=f"can't take '{event}'"):
            next_mediation_state(state, event)


@pytest.mark.parametrize(("state", "event"), list(product(MilestoneState, MilestoneEvent)))
def test_every_cell_of_a_milestone_is_as_pictured(state, event):
    target = MILESTONE_PICTURE.get(state, {}).get(event)
    if target is not None:
        assert next_milestone_state(ContractState.IN_PROGRESS, state, event) == target
    else:
        with pytest.raises(IllegalStep, match=f"can't take '{event}'"):
            next_milestone_state(ContractState.IN_PROGRESS, state, event)


def test_contract_that_is_not_in_progress_takes_no_work_and_one_in_dispute_takes_nothing():
    assert set(MilestoneEvent) == WORK | SETTLEMENT and not WORK & SETTLEMENT
    for contract, ((state, event), target) in product(ContractState, MILESTONES.items()):
        settles = contract in ("fulfilled", "terminated") and event in SETTLEMENT
        if contract == "in_progress" or settles:
            assert next_milestone_state(contract, state, event) == target
        else:
            with pytest.raises(IllegalStep):
                next_milestone_state(contract, state, event)


def test_every_state_is_reached():
    assert set(CONTRACTS.values()) == set(ContractState)
    assert set(MILESTONES.values()) | {MilestoneState.PLANNED} == set(MilestoneState)


@given(MINOR, st.lists(st.integers(1, WHOLE_BP), min_size=1, max_size=20))
def test_parts_of_a_price_sum_to_it(price, weights):
    cuts = sorted({*(sum(weights[:n]) * WHOLE_BP // sum(weights) for n in range(len(weights) + 1))})
    shares = [after - before for before, after in pairwise(cuts)]
    parts = amounts_of(price, shares)
    assert sum(parts) == price and all(part >= 0 for part in parts)
    assert all(abs(part - price * share / WHOLE_BP) <= 1.01 for part, share in zip(parts, shares, strict=True))


def test_halves_are_rounded_up():
    assert [part_of(amount, 5_000) for amount in (0, 1, 2, 3)] == [0, 1, 1, 2]
    assert amounts_of(101, [5_000, 5_000]) == [51, 50]


@pytest.mark.parametrize(
    ("shares", "pointer"),
    [
        ([], "/milestones"),
        ([Share("a", 9_999, 1)], "/milestones"),
        ([Share("", 10_000, 1)], "/milestones/0/title"),
        ([Share("a", 10_000, -1)], "/milestones/0/due_d"),
        ([Share("a", 10_000, 1), Share("b", 0, 1)], "/milestones/1/share_bp"),
    ],
)
def test_bad_milestone_is_pointed_at(shares, pointer):
    with pytest.raises(Invalid) as refused:
        refuse_bad_shares(shares)
    assert pointer in [error.pointer for error in refused.value.errors]


def three(agreed=1000, received=1000, invoiced=1000, tax=0, tax_bp=0, tolerance_bp=0):
    return Matched(agreed, received, invoiced, tax, tax_bp, tolerance_bp)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (three(), []),
        (three(invoiced=1010, tolerance_bp=100), []),
        (three(invoiced=990, tolerance_bp=100), []),
        (three(invoiced=1011, tolerance_bp=100), ["the receipt says 1000", "the contract says 1000"]),
        (three(invoiced=989, tolerance_bp=100), ["the receipt says 1000"]),
        (three(received=900), ["the receipt says 900"]),
        (three(received=900, invoiced=900), []),
        (three(tax=190, tax_bp=1900), []),
        (three(tax=189, tax_bp=1900), ["at the contract's rate it is 190"]),
        (three(tax=1), ["at the contract's rate it is 0"]),
    ],
)
def test_what_does_not_agree_is_said_in_words(found, words):
    said = found.mismatches()
    assert len(said) == len(words)
    assert all(part in whole for part, whole in zip(words, said, strict=True))


@given(MINOR, MINOR, MINOR, st.integers(0, WHOLE_BP))
def test_every_posting_sums_to_zero_and_only_the_retention_is_kept_back(received, invoiced, tax, retention_bp):
    found = Matched(AMOUNT_MINOR, received, invoiced, tax, 0, 0)
    accrued, matched = journal.accrual(received), journal.match(found, retention_bp)
    kept = -matched["retention"]
    assert [sum(entry.values()) for entry in (accrued, matched, journal.payment(tax), journal.release(kept))] == [0] * 4
    assert accrued["accrued"] + matched["accrued"] == 0
    assert -matched["payable"] + kept == invoiced + tax
    assert kept == part_of(invoiced, retention_bp)
    assert set(accrued) | set(matched) | set(journal.fee(1)) <= set(journal.ACCOUNTS)
