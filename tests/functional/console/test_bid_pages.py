"""Bids as people see them: a tender from the owner's page to a firm's receipt, award and complaint."""

import re

from marketplace.models import Contract
from tests.functional.console.scenes import HOSTILE, sign_in
from tests.functional.console.test_plan_pages import page_of
from tests.integration.marketplace.bid_scenes import (
    PASSPHRASE,
    awarded,
    deadline_over,
    draft,
    evaluating,
    placed,
    quotation,
    registered,
    scored,
)
from tests.integration.marketplace.bid_scenes import published as published_tender

FORM = {"price": "1234.50", "delivery_d": "20", "validity_d": "60", "method": f"By crane. {HOSTILE}"}


def steps_on(page: str) -> set[str]:
    return set(re.findall(r'(?:form)?action="[^"]*/steps/([\w-]+)"', page))


def versions_on(page: str) -> dict[str, str]:
    """By bid, the version that its form to score it sends."""
    return dict(re.findall(r'/bids/([\w-]+)/steps/score".*?name="version" value="(\d+)"', page))


def test_firm_seals_a_bid_and_is_shown_the_receipt_once(aurora, borealis):
    task = draft(aurora, "tender")
    registered(aurora, task)
    published_tender(aurora, task)
    client, address = sign_in(borealis), f"/tasks/{task.pk}/bids"
    assert "Seal and send" in page_of(client, address)
    wrong = client.post(f"{address}/place", FORM | {"price": "0"})
    assert (wrong.status_code, b'class="error"' in wrong.content) == (422, True)
    receipt = client.post(f"{address}/place", FORM).content.decode()
    assert "123450" in receipt and HOSTILE not in receipt
    page = page_of(client, address)
    assert "sealed" in page and "By crane" not in page and "withdraw" in steps_on(page)
    assert "sealed" in page_of(client, "/bids") and task.title in page_of(client, "/bids")
    owner = page_of(sign_in(aurora), address)
    assert "Borealis" in owner and "By crane" not in owner


def test_owner_goes_from_openers_to_the_award_on_one_page(aurora, borealis, cassia):
    task, client = draft(aurora, "tender", standstill_h=24), sign_in(aurora)
    address = f"/tasks/{task.pk}/bids"
    given = {"name": ["Price", "Care"], "kind": ["price", "own"], "weight": ["70", "30"]}
    assert client.post(f"{address}/steps/criteria", given).status_code == 302
    assert steps_on(page_of(client, address)) == {"criteria", "register"}
    assert client.post(f"{address}/steps/register", {"passphrase": "short"}).status_code == 422
    assert client.post(f"{address}/steps/register", {"passphrase": PASSPHRASE}).status_code == 302
    published_tender(aurora, task)
    bid = placed(borealis, task, price_minor=800).bid
    other = placed(cassia, task, price_minor=1600).bid
    deadline_over(task)
    assert steps_on(page_of(client, address)) == {"open", "fail"}
    assert client.post(f"{address}/steps/open", {"passphrase": PASSPHRASE}).status_code == 302
    assert client.post(f"{address}/steps/evaluate").status_code == 302
    score = {"criterion": ["Care"], "points": ["90"], "because": ["clean references"]}
    for each in (bid, other):
        sent = score | {"version": versions_on(page_of(client, address))[str(each.pk)]}
        assert client.post(f"/bids/{each.pk}/steps/score", sent).status_code == 302
        stale = client.post(f"/bids/{each.pk}/steps/score", sent)
        assert stale.status_code == 409 and b"has changed" in stale.content
    page = page_of(client, address)
    assert "Borealis leads with 97.00 of 100 points" in page and "style=" not in page
    assert client.get(f"{address}/figure").status_code == 200
    assert client.get(f"{address}/figure.csv").content.decode().count("\n") == 3
    award = {"reason": "best by the criteria", "version": versions_on(page)[str(bid.pk)]}
    assert client.post(f"/bids/{bid.pk}/steps/award", award).status_code == 302
    assert "The standstill lasts until" in page_of(client, address)
    loser = sign_in(cassia)
    assert "62.00" in page_of(loser, address) and "Borealis" not in page_of(loser, address)
    assert loser.post(f"/bids/{other.pk}/steps/complain", {"text": "ours is safer"}).status_code == 302
    page = page_of(client, address)
    complaint = re.search(r"/complaints/([\w-]+)/steps/uphold", page)[1]
    winners = page_of(sign_in(borealis), address)
    assert "A complaint about the award waits" in winners and "Cassia" not in winners and "safer" not in winners
    assert client.post(f"/complaints/{complaint}/steps/reject", {"reason": "it is not"}).status_code == 302
    assert "it is not" in page_of(loser, address)


def test_pages_of_bids_follow_the_feed_and_a_form_to_be_mended_does_not(aurora, borealis, cassia):
    task = quotation(aurora)
    owner, firm, address = sign_in(aurora), sign_in(borealis), f"/tasks/{task.pk}/bids"
    page = page_of(owner, address)
    assert f'data-subject="{task.pk}"' in page and f'data-url="{address}/body"' in page
    assert 'data-follows="bid task contract"' in page
    assert "Borealis" not in page_of(owner, f"{address}/body")
    assert 'data-panel="bids"' in page_of(firm, "/bids")
    placed(borealis, task)
    assert "Borealis" in page_of(owner, f"{address}/body") and "<html" not in page_of(owner, f"{address}/body")
    assert task.title in page_of(firm, "/bids/rows")
    assert "data-panel" not in firm.post(f"{address}/place", FORM | {"price": "0"}).content.decode().split("<main")[-1]
    evaluating(aurora, task)
    assert sign_in(cassia).get(f"{address}/body").status_code == 404


def test_page_of_bids_leads_both_to_the_contract_and_speaks_no_more_of_a_standstill(aurora, borealis):
    task = quotation(aurora)
    bid = placed(borealis, task).bid
    evaluating(aurora, task)
    scored(aurora, bid, 80)
    awarded(aurora, bid)
    address = f"/tasks/{task.pk}/bids"
    assert "standstill lasts until" in page_of(sign_in(aurora), address)
    assert sign_in(aurora).post(f"{address}/steps/conclude").status_code == 302
    with aurora.acting():
        contract = Contract.objects.get(task=task)
    for party in (aurora, borealis):
        page = page_of(sign_in(party), address)
        assert f'href="/contracts/{contract.pk}"' in page and "standstill lasts until" not in page


def test_page_shows_a_stranger_nothing_and_a_claimed_task_has_none(aurora, borealis, cassia):
    task = quotation(aurora)
    bid = placed(borealis, task).bid
    evaluating(aurora, task)
    assert sign_in(cassia).get(f"/tasks/{task.pk}/bids").status_code == 404
    assert sign_in(cassia).post(f"/bids/{bid.pk}/steps/withdraw").status_code == 404
    assert sign_in(borealis).get(f"/tasks/{task.pk}/bids/figure").status_code == 404
    assert sign_in(aurora).post(f"/tasks/{task.pk}/bids/steps/nothing").status_code == 404


def test_second_registration_and_second_complaint_are_refused_in_words(aurora, borealis, cassia):
    """Both are refused by a constraint: a double click is no mistake of ours."""
    task, client = draft(aurora, "tender"), sign_in(aurora)
    address = f"/tasks/{task.pk}/bids"
    assert client.post(f"{address}/steps/register", {"passphrase": PASSPHRASE}).status_code == 302
    again = client.post(f"{address}/steps/register", {"passphrase": PASSPHRASE})
    assert again.status_code == 409 and b"You are an opener of this tender." in again.content
    asked = quotation(aurora, standstill_h=24)
    won, lost = (placed(firm, asked).bid for firm in (borealis, cassia))
    evaluating(aurora, asked)
    scored(aurora, won, 90)
    awarded(aurora, won)
    loser, complaint = sign_in(cassia), f"/bids/{lost.pk}/steps/complain"
    assert loser.post(complaint, {"text": "ours is safer"}).status_code == 302
    again = loser.post(complaint, {"text": "ours is safer"})
    assert again.status_code == 409 and b"waits for its decision" in again.content
