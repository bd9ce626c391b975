"""A mediator: whom both parties accept reads the dispute and what it rests on, while it is open, and nothing else."""

import pytest
from django.db import IntegrityError

from marketplace.contracts import access, disputes, mediation, queries
from marketplace.contracts.lifecycle import MEDIATIONS, MediationState
from marketplace.models import Mediation
from tenants.context import as_platform
from tenants.data import Conflict, Forbidden, Invalid, NotFound
from tenants.ledger.queries import entries_where
from tenants.models import Tenant
from tests.integration.marketplace.bid_scenes import superuser
from tests.integration.marketplace.contract_scenes import (
    accepted,
    billed,
    contract_seen,
    disputed_by,
    received,
    terminated_by,
    withdrawn_by,
    written,
)
from tests.integration.marketplace.guards import sql, takes_only
from tests.integration.marketplace.scenes import told
from tests.integration.marketplace.test_groups import grouped
from tests.personas import Organisation

OPEN_TO_MEDIATORS = ("contract", "milestone", "submission", "dispute", "disputenote", "mediation")
CLOSED_TO_MEDIATORS = ("inspection", "receipt", "invoice", "invoiceline", "journalentry", "servicetask", "claim")


def disputed(owner: Organisation, firm: Organisation):
    """With something of every kind in it, and a dispute that the firm opened."""
    contract = written(owner, firm)
    accepted(owner, firm, contract)
    received(owner, contract)
    billed(firm, contract, "R-1", (1, 83_325, 0))
    disputed_by(firm, contract)
    with owner.acting():
        disputes.add_note(contract=access.get_contract(contract.pk), words="it leaks again")
    return contract


def proposed(by: Organisation, contract, mediator: Organisation):
    with by.acting():
        return mediation.propose_mediator(contract=access.get_contract(contract.pk), mediator_id=mediator.id)


def agreed(by: Organisation, contract):
    with by.acting():
        return mediation.agree_to_mediator(contract=access.get_contract(contract.pk))


def sitting(owner, firm, mediator):
    contract = disputed(owner, firm)
    proposed(firm, contract, mediator)
    return contract, agreed(owner, contract)


def counts(who: Organisation, tables=OPEN_TO_MEDIATORS) -> list[int]:
    with who.acting():
        return [sql(f"SELECT FROM marketplace_{table}") for table in tables]


def test_mediator_reads_the_record_once_both_agree_and_until_the_dispute_is_over(aurora, borealis, cassia, delta):
    contract = disputed(aurora, borealis)
    before = counts(delta, CLOSED_TO_MEDIATORS)  # tasks that others offer to everybody
    proposed(borealis, contract, delta)
    assert counts(delta) == [0] * 6, "before the other party agrees"
    agreed(aurora, contract)
    assert counts(delta) == [1, 3, 1, 1, 1, 1]
    assert counts(delta, CLOSED_TO_MEDIATORS) == before and counts(cassia) == [0] * 6
    with delta.acting(), pytest.raises(NotFound):
        access.get_contract(contract.pk)
    withdrawn_by(borealis, contract)
    assert counts(delta) == [0] * 6
    with aurora.acting():
        assert queries.disputes_of(contract)[0].mediations.get().state == "ended"


def test_mediator_reads_neither_an_earlier_dispute_nor_another_contract(aurora, borealis, delta):
    written(aurora, borealis)
    contract = disputed(aurora, borealis)
    withdrawn_by(borealis, contract)
    disputed_by(aurora, contract)
    proposed(aurora, contract, delta)
    agreed(borealis, contract)
    assert counts(delta, ("contract", "dispute", "disputenote")) == [1, 1, 0]


def test_recommendation_is_said_once_and_stands_on_the_feeds_and_ledgers_of_all_three(aurora, borealis, delta):
    contract, seen = sitting(aurora, borealis, delta)
    with delta.acting():
        mediation.recommend(mediation=access.get_mediation(seen.pk), words="Pay half, and seal it anew.")
    with pytest.raises(Conflict, match="recommended"), delta.acting():
        mediation.recommend(mediation=access.get_mediation(seen.pk), words="Pay all.")
    for party in (aurora, borealis, delta):
        assert told(party, "contract.mediator_recommended") == [("contract.mediator_recommended", "disputed")]
        with party.acting():
            kinds = [entry.kind for entry in entries_where(subject=contract.pk)]
        assert kinds.count("contract.mediator_recommended") == 1
    with aurora.acting():
        (found,) = queries.disputes_of(contract)[0].mediations.all()
        assert (found.recommendation, found.state) == ("Pay half, and seal it anew.", "recommended")
    terminated_by(aurora, contract)
    assert told(delta, "contract.")[-1] == ("contract.terminated", "terminated")
    with delta.acting(), pytest.raises(NotFound):
        access.get_mediation(seen.pk)


def test_what_the_parties_say_further_reaches_the_mediator_and_one_who_steps_down_reads_no_more(
    aurora, borealis, delta
):
    contract, seen = sitting(aurora, borealis, delta)
    with aurora.acting():
        disputes.add_note(contract=access.get_contract(contract.pk), words="see the readings")
    assert [kind for kind, _ in told(delta, "contract.")] == ["contract.mediator_agreed", "contract.noted"]
    with delta.acting():
        mediation.step_down(mediation=access.get_mediation(seen.pk))
    assert counts(delta) == [0] * 6
    assert told(borealis, "contract.mediator_declined") == told(aurora, "contract.mediator_declined") != []
    proposed(aurora, contract, delta)


@pytest.mark.parametrize("with_party", ["aurora", "borealis"])
def test_sister_of_neither_party_mediates(aurora, borealis, cassia, delta, with_party):
    contract = disputed(aurora, borealis)
    grouped({"aurora": aurora, "borealis": borealis}[with_party], cassia)
    with as_platform("tests", "list them no more"):
        Tenant.objects.filter(pk__in=[aurora.id, borealis.id]).update(listed=False)
    grouped(delta, name="Another")
    for party in (aurora, borealis):
        with pytest.raises(Invalid, match="Nobody can mediate"):
            proposed(party, contract, cassia)
        with party.acting():
            listed = set(mediation.mediators(contract).values_list("pk", flat=True))
        assert delta.id in listed and not listed & {aurora.id, borealis.id, cassia.id}
    assert proposed(borealis, contract, delta).mediator_id == delta.id


def test_only_a_third_organisation_mediates_and_only_the_other_party_agrees(aurora, borealis, cassia, delta):
    contract = disputed(aurora, borealis)
    for party in (aurora, borealis):
        with pytest.raises(Invalid, match="Nobody can mediate"):
            proposed(borealis, contract, party)
    with pytest.raises(NotFound):
        proposed(cassia, contract, delta)
    proposed(borealis, contract, delta)
    with pytest.raises(Conflict, match="already"):
        proposed(aurora, contract, cassia)
    with pytest.raises(Forbidden, match="other party"):
        agreed(borealis, contract)
    with aurora.acting("expert"), pytest.raises(Forbidden):
        mediation.agree_to_mediator(contract=access.get_contract(contract.pk))
    with aurora.acting():
        mediation.decline_mediator(contract=access.get_contract(contract.pk))
    with pytest.raises(Conflict, match="No mediator is proposed"):
        agreed(aurora, contract)
    assert told(delta, "contract.") == [], "who was never agreed on learns nothing"
    assert proposed(aurora, contract, cassia).mediator_id == cassia.id


def test_without_a_dispute_nobody_mediates(aurora, borealis, delta):
    with pytest.raises(Conflict, match="no dispute"):
        proposed(aurora, written(aurora, borealis), delta)


def test_page_that_was_left_open_agrees_to_nobody(aurora, borealis, delta):
    """The contract's version is that of the proposal which was read."""
    contract = disputed(aurora, borealis)
    proposed(borealis, contract, delta)
    read = contract_seen(aurora, contract)
    with borealis.acting():
        mediation.decline_mediator(contract=access.get_contract(contract.pk))
    proposed(borealis, contract, delta)
    with pytest.raises(Conflict, match="changed"), aurora.acting():
        mediation.agree_to_mediator(contract=read)


def test_database_takes_exactly_the_pairs_of_the_table(aurora, borealis, delta):
    _, row = sitting(aurora, borealis, delta)
    pairs = {(source, target) for (source, _), target in MEDIATIONS.items()}
    takes_only(aurora, row, MediationState, pairs)


@pytest.mark.parametrize(
    ("column", "value"),
    [("mediator_name", "Other"), ("recommendation", "Pay all."), ("recommended_at", "2031-01-01T00:00Z")],
)
def test_mediation_says_what_it_said(aurora, borealis, delta, column, value):
    _, row = sitting(aurora, borealis, delta)
    with delta.acting():
        mediation.recommend(mediation=access.get_mediation(row.pk), words="Pay half.")
    with pytest.raises(IntegrityError, match="never changes"), aurora.acting():
        sql(f"UPDATE marketplace_mediation SET {column} = %s WHERE id = %s", value, row.pk)


def test_mediation_is_of_its_contract_begins_proposed_and_is_written_in_the_buyers_name(
    aurora, borealis, cassia, delta
):
    _, row = sitting(aurora, borealis, delta)
    for party in (borealis, delta):
        with party.acting():
            assert sql("UPDATE marketplace_mediation SET id = id") == 0
            assert sql("DELETE FROM marketplace_mediation") == 0

    def again(**changed):
        row.pk, row._state.adding = Mediation._meta.pk.get_default(), True
        for name, value in changed.items():
            setattr(row, name, value)
        with aurora.acting():
            row.save(force_insert=True)

    with pytest.raises(IntegrityError, match="begins proposed"):
        again(state="sitting")
    with pytest.raises(IntegrityError, match="mediation_one_live"):
        again(state="proposed")
    with pytest.raises(IntegrityError, match="mediation_by_a_third"):
        again(mediator_id=borealis.id)
    superuser("UPDATE marketplace_mediation SET state = 'declined' WHERE mediator_id = %s", delta.id)
    with pytest.raises(IntegrityError, match="firm_of_contract"):
        again(mediator_id=delta.id, firm_id=cassia.id)


def test_mediation_goes_its_way_over_http(aurora, borealis, cassia, delta):
    contract = disputed(aurora, borealis)
    buyer, firm, third = aurora.client(), borealis.client(), delta.client()
    address = f"/api/v1/contracts/{contract.pk}"

    def post(client, path, **body):
        return client.post(f"/api/v1/{path}", body, format="json")

    named = post(firm, f"contracts/{contract.pk}/mediator", mediator=str(delta.id)).data["disputes"][0]["mediations"]
    assert [(each["state"], each["mediator_name"]) for each in named] == [("proposed", "Delta")]
    assert third.get("/api/v1/mediations").data["results"] == []
    stale = buyer.post(f"{address}/mediator/agree", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert post(buyer, f"contracts/{contract.pk}/mediator/agree").status_code == 200
    (row,) = third.get("/api/v1/mediations").data["results"]
    seen = third.get(f"/api/v1/mediations/{row['id']}").data
    assert seen["contract"]["price_minor"] == contract.price_minor and seen["dispute"]["reason"] == "late"
    assert [note["words"] for note in seen["dispute"]["notes"]] == ["it leaks again"]
    assert [len(each["submissions"]) for each in seen["milestones"]] == [1, 0, 0]
    for client in (cassia.client(), buyer):
        assert client.get(f"/api/v1/mediations/{row['id']}").status_code == 404
    for path in (address, f"{address}/journal", f"{address}/statement"):
        assert third.get(path).status_code == 404
    assert third.get("/api/v1/contracts").data["results"] == []
    assert post(third, f"contracts/{contract.pk}/terminate", reason="enough").status_code == 404
    milestone = seen["milestones"][1]["id"]
    assert post(third, f"milestones/{milestone}/accept").status_code == 404
    assert post(third, f"mediations/{row['id']}/recommend", words=" ").status_code == 422
    assert post(third, f"mediations/{row['id']}/recommend", words="Pay half.").status_code == 204
    shown = firm.get(address).data["disputes"][0]["mediations"][0]
    assert (shown["state"], shown["recommendation"]) == ("recommended", "Pay half.")
    assert post(third, f"mediations/{row['id']}/step-down").status_code == 409
