"""A contract as its two parties see it in the console: each works it with the forms of its own side."""

import re

from tests.functional.console.scenes import HOSTILE, sign_in
from tests.functional.console.test_console import text
from tests.functional.console.test_plan_pages import page_of
from tests.integration.marketplace.contract_scenes import closed, written


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
    assert take(firm, address, "invoice", first, number="F-1", net="833.25", tax="0").status_code == 302
    assert "at the contract" in text(page_of(buyer, address).encode())
    assert take(buyer, address, "return", first, reason="the tax is missing").status_code == 302
    invoice = re.search(r'name="tax" value="([\d.]+)"', page_of(firm, address))[1]
    assert take(firm, address, "invoice", first, number="F-2", net="833.25", tax=invoice).status_code == 302
    assert take(buyer, address, "pay", first, reference="SEPA 1").status_code == 302
    assert "-991.57 USD" in text(page_of(firm, address).encode())
    assert "33.33 % of the price is accepted" in text(buyer.get(f"{address}/progress").content)
    assert b"Survey" in firm.get(f"{address}/progress.csv").content


def test_page_that_was_left_open_changes_nothing(aurora, borealis):
    contract = written(aurora, borealis)
    address, firm, buyer = f"/contracts/{contract.pk}", sign_in(borealis), sign_in(aurora)
    assert take(firm, address, "dispute", reason="unclear").status_code == 302
    stale = buyer.post(f"{address}/steps/terminate", {"version": "1", "reason": "enough"})
    assert stale.status_code == 409 and "changed since it was read" in text(stale.content)
    assert take(buyer, address, "note", words="what is unclear?").status_code == 302
    assert "what is unclear?" in page_of(firm, address)
    assert steps_on(page_of(buyer, address)) == {"note", "terminate"}
    assert take(firm, address, "withdraw").status_code == 302
    assert buyer.post(f"{address}/steps/gossip", {"version": "1"}).status_code == 404


def test_rating_shows_once_both_have_given_theirs(aurora, borealis):
    contract = closed(aurora, borealis)
    address, buyer, firm = f"/contracts/{contract.pk}", sign_in(aurora), sign_in(borealis)
    assert take(buyer, address, "rate", stars="2", words="slow").status_code == 302
    assert "slow" not in page_of(firm, address)
    assert take(firm, address, "rate", stars="4", words="prompt").status_code == 302
    assert "slow" in page_of(firm, address) and "prompt" in page_of(buyer, address)
    assert "rate" not in steps_on(page_of(firm, address))
