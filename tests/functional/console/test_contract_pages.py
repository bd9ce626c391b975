"""A contract as its two parties see it in the console: each works it with the forms of its own side."""

import re

from tests import personas
from tests.functional.console.scenes import HOSTILE, sign_in
from tests.functional.console.test_console import text
from tests.functional.console.test_plan_pages import page_of
from tests.integration.marketplace.contract_scenes import accepted, closed, received, submitted, written
from tests.integration.marketplace.firms import offer

RULE = {"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 24}


def steps_on(page):
    return set(re.findall(r"/steps/([\w-]+)", page))


def take(client, address, step, milestone="", **given):
    """The form's answer with the version that the page shows."""
    version = re.search(r'name="version" value="(\d+)"', page_of(client, address))[1]
    return client.post(f"{address}/steps/{step}", {"version": version, "milestone": milestone, **given})


def test_contract_is_worked_and_paid_by_the_forms_of_both_sides(aurora, borealis, cassia):
    contract = written(aurora, borealis)
    address = f"/contracts/{contract.pk}"
    buyer, firm = sign_in(aurora), sign_in(borealis)
    assert sign_in(cassia).get(address).status_code == 404
    page = page_of(firm, address)
    first = re.search(r'id="milestone-([\w-]+)"', page)[1]
    assert f'href="{address}"' in page_of(buyer, "/contracts") and "style=" not in page
    assert "0 % of the price is accepted" in text(page.encode())
    assert steps_on(page) == {"submit", "dispute", "terminate"}
    assert take(firm, address, "submit", first, note=HOSTILE).status_code == 302
    assert HOSTILE not in page_of(buyer, address)
    assert f'href="{address}"' in page_of(buyer, f"/tasks/{contract.task_id}")
    assert {"accept", "rework", "terms"} <= steps_on(page_of(buyer, address))
    assert take(buyer, address, "terms", tax="19", tolerance="0").status_code == 302
    assert take(buyer, address, "accept", first).status_code == 302
    assert take(buyer, address, "receive", first, amount="lots").status_code == 422
    assert take(buyer, address, "receive", first, amount="833.25").status_code == 302
    assert "terms" not in steps_on(page_of(buyer, address))
    assert take(buyer, address, "extend", hours="48").status_code == 302
    assert billed(firm, address, "F-1", (first, "833.25", "0")).status_code == 302
    assert "at the contract" in text(page_of(buyer, address).encode())
    assert take(buyer, address, "return", first, reason="the tax is missing").status_code == 302
    tax = re.search(rf'name="tax-{first}" value="([\d.]+)"', page_of(firm, address))[1]
    assert billed(firm, address, "F-2", (first, "833.25", tax)).status_code == 302
    assert take(buyer, address, "pay", first, reference="SEPA 1").status_code == 302
    assert "-991.57 USD" in text(page_of(firm, address).encode())
    assert "33.33 % of the price is accepted" in text(buyer.get(f"{address}/progress").content)
    csv = firm.get(f"{address}/progress.csv").content
    assert b"Survey" in csv and b"Accepted,Evidence" in csv


def test_progress_of_all_contracts_is_one_curve_on_either_side_with_the_evidence_of_each(aurora, borealis, cassia):
    for owner in (aurora, personas.aurora()):
        contract = written(owner, borealis)
        accepted(owner, borealis, contract)
    firm = sign_in(borealis)
    shown = text(page_of(firm, "/contracts/progress").encode())
    assert "1,666.50 USD are accepted, 0.00 USD were due by now" in shown
    csv = firm.get("/contracts/progress/charts/worked-usd.csv").content
    assert csv.count(b"Survey") == 2 and b"Contract,Milestone,Title,USD,Due,Accepted,Evidence" in csv
    assert firm.get("/contracts/progress/charts/worked-usd").status_code == 200
    assert firm.get("/contracts/progress/charts/ordered-usd").status_code == 404
    assert "That Borealis works on" in shown and "ordered" not in shown
    ordered = text(page_of(sign_in(aurora), "/contracts/progress").encode())
    assert "That Aurora ordered" in ordered and "833.25 USD are accepted, 0.00 USD were due by now" in ordered
    assert sign_in(aurora).get("/contracts/progress/charts/ordered-usd.csv").content.count(b"Survey") == 1
    assert "has no contract yet" in page_of(sign_in(cassia), "/contracts/progress")


def billed(client, address, number, *lines):
    """An invoice of the ticked (milestone, net, tax)."""
    given = {f"{name}-{key}": amount for key, net, tax in lines for name, amount in (("net", net), ("tax", tax))}
    return take(client, address, "invoice", [key for key, _, _ in lines], number=number, **given)


def test_one_invoice_bills_the_milestones_that_are_ticked_and_each_line_says_whether_it_agrees(aurora, borealis):
    contract = written(aurora, borealis)
    accepted(aurora, borealis, contract, 1, 2, 3)
    for number in (1, 2, 3):
        received(aurora, contract, number)
    address, buyer, firm = f"/contracts/{contract.pk}", sign_in(aurora), sign_in(borealis)
    assert "Send the invoice" not in page_of(buyer, address)
    offered = re.findall(r'name="net-([\w-]+)" value="([\d.]+)"', page_of(firm, address))
    first, second, third = [key for key, _ in offered]
    assert [amount for _, amount in offered] == ["833.25", "833.26", "833.50"]
    assert billed(firm, address, "F-0").status_code == 422
    assert billed(firm, address, "F-1", (first, "833.25", "0"), (third, "900", "0")).status_code == 302
    page = text(page_of(buyer, address).encode())
    assert page.count("does not agree") == 1 and page.count("agrees") == 1 and "mismatched" in page
    assert take(buyer, address, "return", first, reason="too much").status_code == 302
    assert billed(firm, address, "F-2", (first, "833.25", "0"), (third, "833.50", "0")).status_code == 302
    assert "matched" in page_of(buyer, address)
    assert f'name="net-{second}"' in page_of(firm, address) and f'name="net-{first}"' not in page_of(firm, address)


def test_page_that_was_left_open_changes_nothing(aurora, borealis):
    contract = written(aurora, borealis)
    address, firm, buyer = f"/contracts/{contract.pk}", sign_in(borealis), sign_in(aurora)
    assert take(firm, address, "dispute", reason="unclear").status_code == 302
    stale = buyer.post(f"{address}/steps/terminate", {"version": "1", "reason": "enough"})
    assert stale.status_code == 409 and "changed since it was read" in text(stale.content)
    assert take(buyer, address, "note", words="what is unclear?").status_code == 302
    assert "what is unclear?" in page_of(firm, address)
    assert steps_on(page_of(buyer, address)) == {"note", "mediator", "terminate"}
    assert take(firm, address, "withdraw").status_code == 302
    assert buyer.post(f"{address}/steps/gossip", {"version": "1"}).status_code == 404


def test_parties_accept_a_mediator_who_reads_and_recommends_on_a_page_of_its_own(aurora, borealis, cassia, delta):
    contract = written(aurora, borealis)
    address, buyer, firm, third = f"/contracts/{contract.pk}", sign_in(aurora), sign_in(borealis), sign_in(delta)
    submitted(borealis, contract)
    assert take(firm, address, "dispute", reason="it is not paid").status_code == 302
    assert take(buyer, address, "mediator", mediator=str(delta.id)).status_code == 302
    assert "mediator-agree" not in steps_on(page_of(buyer, address))
    assert "We mediate" not in page_of(third, "/contracts")
    assert {"mediator-agree", "mediator-decline"} <= steps_on(page_of(firm, address))
    assert take(firm, address, "mediator-agree").status_code == 302
    own = re.search(r"/mediations/[\w-]+", page_of(third, "/contracts"))[0]
    page = text(page_of(third, own).encode())
    assert "it is not paid" in page and "2,500.01 USD" in page and "Submitted" in page
    assert third.get(address).status_code == sign_in(cassia).get(own).status_code == firm.get(own).status_code == 404
    assert third.post(own, {"form": "recommend", "words": ""}).status_code == 422
    assert third.post(own, {"form": "recommend", "words": f"Pay half. {HOSTILE}"}).status_code == 302
    assert "Pay half." in page_of(third, f"{own}/body") and HOSTILE not in page_of(third, f"{own}/body")
    for client in (buyer, firm):
        assert "Recommends: Pay half." in page_of(client, address) and HOSTILE not in page_of(client, address)
    assert take(firm, address, "withdraw").status_code == 302
    assert third.get(own).status_code == 404 and third.post(own, {"form": "step-down"}).status_code == 404


def test_mediator_who_steps_down_on_the_page_sees_it_no_more(aurora, borealis, delta):
    contract = written(aurora, borealis)
    address, buyer, firm, third = f"/contracts/{contract.pk}", sign_in(aurora), sign_in(borealis), sign_in(delta)
    for client, step, given in (
        (firm, "dispute", {"reason": "it is not paid"}),
        (firm, "mediator", {"mediator": str(delta.id)}),
        (buyer, "mediator-agree", {}),
    ):
        assert take(client, address, step, **given).status_code == 302
    own = re.search(r"/mediations/[\w-]+", page_of(third, "/contracts"))[0]
    assert third.post(own, {"form": "step-down"}).headers["Location"] == "/contracts"
    assert third.get(own).status_code == 404
    assert "mediator" in steps_on(page_of(buyer, address))


def test_rating_shows_once_both_have_given_theirs(aurora, borealis, cassia):
    contract = closed(aurora, borealis)
    address, buyer, firm = f"/contracts/{contract.pk}", sign_in(aurora), sign_in(borealis)
    assert 'name="is_named"' in page_of(buyer, address) and 'name="is_named"' not in page_of(firm, address)
    assert take(buyer, address, "rate", stars="2", words="slow", is_named="is_named").status_code == 302
    assert "slow" not in page_of(firm, address)
    assert take(firm, address, "rate", stars="4", words="prompt").status_code == 302
    assert "slow" in page_of(firm, address) and "prompt" in page_of(buyer, address)
    assert "rate" not in steps_on(page_of(firm, address))
    profile = text(page_of(sign_in(cassia), f"/firms/{offer(borealis).pk}").encode())
    assert "2.0 of 5 after 1 contract" in profile and "slow" in profile and "Aurora" in profile
    assert "prompt" not in profile


def test_list_says_what_waits_for_us_and_what_is_late(aurora, borealis):
    contract, quiet = written(aurora, borealis), written(aurora, borealis)
    buyer, firm = sign_in(aurora), sign_in(borealis)
    assert "3 to deliver" in page_of(firm, "/contracts?waits=1")
    assert "No such contract" in page_of(buyer, "/contracts?waits=1")
    submitted(borealis, contract)
    waiting = page_of(buyer, "/contracts?waits=1")
    assert "1 to accept" in waiting and str(quiet.pk) not in waiting
    for asked in ("late=1", "state=closed"):
        assert "No such contract" in page_of(buyer, f"/contracts?{asked}")
    assert str(quiet.pk) in page_of(buyer, "/contracts/rows?state=in_progress")


def test_statement_leads_from_a_line_to_its_evidence_its_entries_and_what_was_used(aurora, borealis, cassia):
    contract = closed(aurora, borealis, acceptance=RULE)
    place, buyer = f"/contracts/{contract.pk}/statement", sign_in(aurora)
    assert f'href="{place}"' in page_of(buyer, f"/contracts/{contract.pk}")
    page = page_of(buyer, place)
    assert "vibration below 4.5" in text(page.encode()) and "2,500.01 USD" in page
    entries = re.findall(r'href="(/ledger/[\w-]+)" aria-label="Entry', page)
    assert entries and "of the ledger" in page_of(buyer, entries[0])
    uses = re.search(r'href="(/usage/events\?meter=accepted_tasks&amp;month=[\d-]+)#use-', page)[1]
    assert f'href="/tasks/{contract.task_id}"' in page_of(buyer, uses.replace("&amp;", "&"))
    table = buyer.get(f"/api/v1/contracts/{contract.pk}/statement.csv").content.decode()
    assert "vibration below 4.5" in table and entries[0].removeprefix("/ledger/") in table
    assert sign_in(cassia).get(place).status_code == 404
