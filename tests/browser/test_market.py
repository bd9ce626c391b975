"""The market in a browser: from the inbox over a quotation, its award and the work to the statement."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from marketplace.models import Contract, ServiceTask
from tenants.context import as_platform
from tests.browser.desk import Desk
from tests.integration.marketplace.contract_scenes import written
from tests.integration.marketplace.firms import offer, welders
from tests.integration.marketplace.scenes import alarm_of, published, terms
from tests.personas import Organisation

pytestmark = pytest.mark.browser

LOCAL = "%Y-%m-%dT%H:%M"
RULE = {"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 24}


def asked_for(owner: Organisation) -> ServiceTask:
    """Quotations for work on the pump, with what its alarm froze."""
    until = datetime.now(UTC) + timedelta(days=1)
    title = f"Overhaul pump 7 of {owner.user.email}"
    asked = terms(title=title, mode="quotation", bids_until=until, acceptance=RULE)
    return published(owner, terms=asked, alarm_id=alarm_of(owner).pk)


def version_of(task: ServiceTask) -> str:
    with as_platform("test", "which version of the contract a page must show"):
        return str(Contract.objects.get(task=task).version)


def test_quotation_is_won_worked_and_paid_on_the_pages_of_both(aurora, borealis, outside, open_desk):
    def press_on_current(desk: Desk, name: str) -> None:
        """A page that was read while the other party took a step has the version before it: its forms are refused."""
        expect(desk.page.get_by_role("button", name=name)).to_be_visible()
        expect(desk.page.locator("input[name=version]").first).to_have_value(outside(version_of, task))
        desk.press(name)

    task = outside(asked_for, aurora)
    outside(offer, borealis)
    owner, firm = open_desk(aurora), open_desk(borealis)
    firm.page.goto("/market")
    firm.page.get_by_role("link", name=task.title).click()
    expect(firm.page.get_by_text("vibration of PUMP-07, from 9.5 to 9.5 mm/s")).to_be_visible()
    firm.page.get_by_role("link", name="Bids", exact=True).last.click()
    firm.page.get_by_label("Price of all of it, in USD").fill("2400")
    firm.page.get_by_label("Done within, days from the contract").fill("3")
    firm.press("Send")

    owner.page.goto(f"/tasks/{task.pk}/bids")
    owner.press("End the bidding and evaluate")
    owner.page.get_by_label("Because", exact=True).fill("within the budget")
    owner.press("Award", exact=True)
    owner.press("Write the contract now")

    for desk in (owner, firm):
        desk.page.goto("/contracts")
        desk.page.get_by_role("link", name=task.title).click()
        desk.expect_link("Live")
        desk.page.evaluate("window.marked = true")
    firm.page.get_by_label("Note").fill("Bearing replaced")
    firm.press("Submit")
    expect(owner.page.get_by_text("Bearing replaced")).to_be_visible()
    expect(owner.page.get_by_text("vibration below 4.5 mm/s for 24 h, not kept")).to_be_visible()
    press_on_current(owner, "Accept")
    press_on_current(owner, "Receive")
    firm.page.get_by_label("Invoice number").fill("B-1")
    press_on_current(firm, "Send the invoice")
    press_on_current(owner, "Record the payment")
    expect(firm.page.locator(".head").first).to_contain_text("closed")
    assert owner.was_not_reloaded() and firm.was_not_reloaded()

    owner.page.get_by_role("link", name="Statement").click()
    expect(owner.page.get_by_role("row", name="Sum")).to_contain_text("2,400.00 USD")
    owner.page.get_by_role("link", name="Entry 1 about").click()
    expect(owner.page.locator("main")).to_contain_text("of the ledger")


def with_people(owner: Organisation, firm: Organisation) -> Contract:
    welders(firm)
    return written(owner, firm)


def test_session_is_booked_held_and_owed_and_the_data_stays_open_for_longer(aurora, borealis, outside, open_desk):
    contract = outside(with_people, aurora, borealis)
    owner, firm = open_desk(aurora), open_desk(borealis)
    firm.page.goto(f"/contracts/{contract.pk}")
    firm.page.get_by_role("link", name="Book a session").click()
    now = datetime.now(UTC)
    firm.page.get_by_label("From").fill(now.strftime(LOCAL))
    firm.page.get_by_label("Until").fill((now + timedelta(hours=1)).strftime(LOCAL))
    firm.page.get_by_label("What about").fill("Read the spectrum")
    firm.page.get_by_label("Not to exceed, in minutes").fill("30")
    firm.page.get_by_label("Rate for a minute in USD").fill("2.50")
    firm.press("Propose it")

    owner.page.goto(f"/contracts/{contract.pk}")
    owner.page.get_by_label("Hours more").fill("48")
    owner.press("Leave the data open")
    until = (contract.access_until + timedelta(hours=48)).strftime("until %-d %b %Y, %H:%M")
    expect(owner.page.locator("main")).to_contain_text(until)
    owner.press("Confirm")
    firm.page.goto(f"/contracts/{contract.pk}")
    firm.press("Start")
    firm.page.get_by_label("Result").fill("The outer race is worn")
    firm.press("Stop")
    owner.press("Accept the minutes")
    expect(owner.page.get_by_text("1 min × 2.50 USD = 2.50 USD")).to_be_visible()
    expect(owner.page.get_by_text("Session 1: Read the spectrum")).to_be_visible()


def busy_firm(owner: Organisation, firm: Organisation) -> list[str]:
    """A firm with a contract, people and a profile, and the pages that show them."""
    contract = written(owner, firm)
    offer(firm), welders(firm)
    own = ["/market", "/profile", "/calendar?crew=1", "/bids", "/contracts", "/fleet", "/oversight"]
    return [*own, f"/tasks/{contract.task_id}", f"/contracts/{contract.pk}", f"/contracts/{contract.pk}/statement"]


def test_pages_of_the_market_fit_a_desk_and_a_tablet(aurora, borealis, outside, open_desk, tmp_path):
    desk = open_desk(borealis)
    for number, path in enumerate(outside(busy_firm, aurora, borealis)):
        desk.page.goto(path)
        desk.expect_link("Live")
        expect(desk.page.get_by_role("heading", level=1)).to_be_visible()
        desk.expect_to_fit(tmp_path / f"{number}", (1280, 800), (820, 1180))
