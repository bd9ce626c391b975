"""Contracts over HTTP: a whole settlement, step by step, and a statement whose lines lead to what they rest on."""

import csv
import io
from decimal import Decimal

import pytest

from tests import personas
from tests.integration.marketplace.contract_scenes import accepted, settled, written
from tests.integration.marketplace.scenes import alarm_of

RULE = {"tag": "vibration", "op": "below", "limit": 10.0, "for_h": 1, "coverage_frac": 0.5}


def post(client, path, **body):
    return client.post(f"/api/v1/{path}", body, format="json")


def test_contract_is_settled_over_http_and_its_tag_rises_with_each_step(aurora, borealis, cassia):
    contract = written(aurora, borealis)
    buyer, firm = aurora.client(), borealis.client()
    shown = firm.get(f"/api/v1/contracts/{contract.pk}")
    first = shown.data["milestones"][0]
    step = f"milestones/{first['id']}"
    assert (shown.headers["ETag"], shown.data["state"], first["amount_minor"]) == ('"1"', "in_progress", 83_325)
    assert post(firm, f"{step}/submit", note="done").headers["ETag"] == '"2"'
    stale = buyer.post(f"/api/v1/{step}/accept", headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.data["title"]) == (412, "Precondition Failed")
    assert post(buyer, f"{step}/accept").data["milestones"][0]["state"] == "accepted"
    terms = {"tax_bp": 1900, "tolerance_bp": 0}
    assert buyer.put(f"/api/v1/contracts/{contract.pk}/terms", terms, format="json").data["tax_bp"] == 1900
    assert post(buyer, f"{step}/receive").data["milestones"][0]["receipts"][0]["amount_minor"] == 83_325
    line = {"milestone": first["id"], "net_minor": 83_325, "tax_minor": 0}
    wrong = post(firm, f"contracts/{contract.pk}/invoices", number="F-1", lines=[line])
    assert wrong.status_code == 201 and "rate it is 15832" in wrong.data["invoices"][0]["lines"][0]["findings"][0]
    returned = post(buyer, f"invoices/{wrong.data['invoices'][0]['id']}/return", reason="the tax is missing")
    assert returned.data["invoices"][0]["state"] == "returned"
    key = {"Idempotency-Key": "invoice-2"}
    body = {"number": "F-2", "lines": [line | {"tax_minor": 15_832}]}
    address = f"/api/v1/contracts/{contract.pk}/invoices"
    answers = [firm.post(address, body, format="json", headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201] and answers[1]["Idempotent-Replayed"] == "true"
    assert post(buyer, f"{step}/pay", reference="SEPA 7").data["milestones"][0]["state"] == "paid"
    journal = firm.get(f"/api/v1/contracts/{contract.pk}/journal").data
    assert journal["balances"]["cash"] == -99_157
    assert [entry["kind"] for entry in journal["entries"]] == ["accrual", "match", "payment"]
    outsider = cassia.client()
    for path in ("", "/journal", "/statement", "/statement.csv"):
        assert outsider.get(f"/api/v1/contracts/{contract.pk}{path}").status_code == 404
    assert [row["id"] for row in firm.get("/api/v1/contracts").data["results"]] == [str(contract.pk)]


def test_rework_dispute_and_rating_are_steps_over_http(aurora, borealis):
    contract = written(aurora, borealis)
    buyer, firm = aurora.client(), borealis.client()
    step = f"milestones/{firm.get(f'/api/v1/contracts/{contract.pk}').data['milestones'][0]['id']}"
    post(firm, f"{step}/submit")
    assert post(buyer, f"{step}/rework").status_code == 422
    assert post(buyer, f"{step}/rework", reason="leaks").data["milestones"][0]["inspections"][0]["reason"] == "leaks"
    assert post(firm, f"contracts/{contract.pk}/dispute", reason="it does not leak").data["state"] == "disputed"
    noted = post(buyer, f"contracts/{contract.pk}/dispute/notes", words="look again")
    assert noted.data["disputes"][0]["notes"][0]["words"] == "look again"
    assert post(firm, f"contracts/{contract.pk}/dispute/withdraw").data["state"] == "in_progress"
    assert post(firm, f"contracts/{contract.pk}/rating", stars=5).status_code == 409
    assert post(buyer, f"contracts/{contract.pk}/terminate", reason="enough").status_code == 409
    assert post(firm, f"contracts/{contract.pk}/terminate", reason="enough").data["state"] == "terminated"


@pytest.fixture(scope="module")
def measured():
    """Buyer, firm, and their contract with a rule of acceptance, its first milestone paid; the firm read the data."""
    owner, firm = personas.aurora(), personas.borealis()
    alarm_of(owner)
    contract = written(owner, firm, acceptance=RULE)
    assert firm.client().get(f"/api/v1/equipment/{owner.equipment['PUMP-07'].pk}/series").data["results"]
    accepted(owner, firm, contract, 1, 2, 3)
    settled(owner, firm, contract, 1)
    return owner, firm, contract


def test_line_of_a_statement_leads_to_its_contract_evidence_and_usage_events(measured):
    *parties, agreed = measured
    for party in parties:
        client = party.client()
        statement = client.get(f"/api/v1/contracts/{agreed.pk}/statement").data
        line = statement["lines"][0]
        assert (line["agreed_minor"], line["paid_minor"], line["invoice"]) == (83_325, 83_325, "R-1")
        contract = client.get(f"/api/v1/contracts/{statement['contract']}").data
        submission = contract["milestones"][0]["submissions"][0]
        assert (line["submission"], line["evidence"]) == (submission["id"], submission["evidence"])
        assert line["evidence"]["passed"] in (True, False)
        entries = [client.get(f"/api/v1/ledger/{entry}").data for entry in line["ledger_entries"]]
        said = next(entry["payload"] for entry in entries if entry["kind"] == "milestone.submitted")
        assert said["evidence"] == line["evidence"]
        used = {row["id"]: row for row in client.get("/api/v1/usage-events?page_size=500").data["results"]}
        for use in statement["uses"]:
            assert Decimal(used[str(use["id"])]["quantity"]) == Decimal(use["quantity"])
        assert statement["uses"], "the buyer paid for the accepted task, the firm for what it read"
        assert {use["meter"] for use in statement["uses"]} == {
            "accepted_tasks" if party is parties[0] else "shared_reads"
        }


def test_statement_as_a_table_has_a_row_for_each_milestone_and_their_sums(measured):
    _, firm, agreed = measured
    text = firm.client().get(f"/api/v1/contracts/{agreed.pk}/statement.csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["paid_minor"] for row in rows] == ["83325", "0", "0", "83325"]
    assert [row["agreed_minor"] for row in rows] == ["83325", "83326", "83350", "250001"]
