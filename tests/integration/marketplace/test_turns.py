"""Whose turn it is under a contract, what is late and how far the money is, for each side by itself."""

from marketplace.contracts import access
from marketplace.contracts import api as contracting
from tests.integration.marketplace import contract_scenes as scenes
from tests.integration.marketplace import session_scenes
from tests.integration.marketplace.bid_scenes import superuser
from tests.integration.marketplace.firms import welders


def waits(party, contract):
    with party.acting():
        return contracting.turns_of([contract]).get(contract.pk, contracting.Turn()).waits


def found(party, **narrowed):
    with party.acting():
        rows = contracting.narrowed(contracting.contracts_taken_part_in(), **narrowed)
        return set(rows.values_list("pk", flat=True))


def test_turn_passes_from_firm_to_buyer_and_back_until_all_is_paid(aurora, borealis):
    contract = scenes.written(aurora, borealis, milestones=[])
    assert (waits(borealis, contract), waits(aurora, contract)) == (("1 to deliver",), ())
    scenes.submitted(borealis, contract)
    assert (waits(borealis, contract), waits(aurora, contract)) == ((), ("1 to accept",))
    with aurora.acting():
        scenes.actions.accept_milestone(milestone=scenes.milestone(contract))
    assert waits(aurora, contract) == ("1 to receive",)
    scenes.received(aurora, contract)
    assert (waits(borealis, contract), waits(aurora, contract)) == (("1 to invoice",), ())
    scenes.billed(borealis, contract, "F-1", (1, scenes.PRICE, 0))
    assert (waits(borealis, contract), waits(aurora, contract)) == ((), ("1 to pay",))
    scenes.paid(aurora, contract)
    assert waits(aurora, contract) == waits(borealis, contract) == ()


def test_list_is_narrowed_to_what_waits_for_each_side(aurora, borealis):
    theirs, done = scenes.written(aurora, borealis), scenes.closed(aurora, borealis)
    assert found(borealis, waits=True) == {theirs.pk} and found(aurora, waits=True) == set()
    scenes.submitted(borealis, theirs)
    assert found(aurora, waits=True) == {theirs.pk} == found(borealis, waits=True)
    assert found(aurora) == {theirs.pk, done.pk}
    scenes.disputed_by(aurora, theirs)
    assert found(aurora, waits=True) == found(borealis, waits=True) == set()


def test_session_that_is_proposed_waits_for_the_buyer_alone(aurora, borealis):
    contract = scenes.written(aurora, borealis, milestones=[])
    scenes.submitted(borealis, contract)
    session_scenes.proposed(contract, borealis, welders(borealis).wei)
    assert waits(aurora, contract) == ("1 to accept", "1 session to answer")
    assert waits(borealis, contract) == () and found(borealis, waits=True) == set()


def test_objection_to_a_sessions_minutes_waits_for_the_firm_alone(aurora, borealis):
    session = session_scenes.ended(aurora, borealis, milestones=[])
    with aurora.acting():
        contract = access.get_contract(session.contract_id)
    scenes.submitted(borealis, contract)
    assert waits(aurora, contract) == ("1 to accept", "1 session to answer") and waits(borealis, contract) == ()
    session_scenes.taken(aurora, "object_to_minutes", session, reason="we counted thirty")
    assert waits(aurora, contract) == ("1 to accept",) and waits(borealis, contract) == ("1 session to answer",)


def test_milestone_is_late_from_its_day_until_it_is_handed_in(aurora, borealis):
    contract, other = scenes.written(aurora, borealis), scenes.written(aurora, borealis)
    due = "UPDATE marketplace_milestone SET due_at = now() - interval '1 min' WHERE contract_id = %s AND number = 1"
    superuser(due, contract.pk)  # what was agreed never changes
    for party in (aurora, borealis):
        assert found(party, is_late=True) == {contract.pk}
        with party.acting():
            turns = contracting.turns_of([contract, other])
        assert turns[contract.pk].n_late == 1 and turns.get(other.pk, contracting.Turn()).n_late == 0
    scenes.submitted(borealis, contract)
    assert found(aurora, is_late=True) == set()


def test_money_of_the_firm_is_summed_by_how_far_it_is_and_the_buyer_earns_none(aurora, borealis, cassia):
    contract = scenes.written(aurora, borealis)
    scenes.written(aurora, cassia)
    scenes.accepted(aurora, borealis, contract, 1, 2)
    scenes.received(aurora, contract, 1)
    scenes.billed(borealis, contract, "F-1", (1, 83_325, 0))
    scenes.submitted(borealis, contract, 3)
    with borealis.acting():
        told = [(each.words, each.n, each.amount_minor, each.currency) for each in contracting.payments()]
    assert told == [
        ("with the buyer to accept", 1, 83_350, "USD"),
        ("accepted, to be received", 1, 83_326, "USD"),
        ("to be paid", 1, 83_325, "USD"),
    ]
    with aurora.acting():
        assert contracting.payments() == []


def test_work_submitted_under_a_contract_that_was_terminated_is_no_money_to_come(aurora, borealis):
    contract, other = scenes.written(aurora, borealis), scenes.written(aurora, borealis)
    scenes.accepted(aurora, borealis, contract, 1)
    for each in (contract, other):
        scenes.submitted(borealis, each, 2)
    scenes.terminated_by(borealis, contract)
    with borealis.acting():
        told = [(each.words, each.n) for each in contracting.payments()]
    assert told == [("with the buyer to accept", 1), ("accepted, to be received", 1)]


def test_list_over_http_is_narrowed_by_state_turn_and_lateness(aurora, borealis):
    contract, done = scenes.written(aurora, borealis), scenes.closed(aurora, borealis)
    client = borealis.client()

    def listed(asked):
        answer = client.get(f"/api/v1/contracts?{asked}")
        assert answer.status_code == 200, answer.content
        return {row["id"] for row in answer.json()["results"]}

    assert listed("waits=true") == {str(contract.pk)} and listed("state=closed") == {str(done.pk)}
    assert listed("late=true") == set() and listed("") == {str(contract.pk), str(done.pk)}
    assert client.get("/api/v1/contracts?state=lost").status_code == 422
