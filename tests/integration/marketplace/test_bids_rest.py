"""Bids over HTTP: a tender from its openers to its award, and how each refusal is worded."""

import hashlib

from tests.integration.marketplace.bid_scenes import PASSPHRASE, deadline_over, draft, placed, quotation
from tests.personas import Organisation

API = "/api/v1"
BID = {"price_minor": 800, "currency": "USD", "delivery_d": 20, "method": "By crane."}
PASS = {"passphrase": PASSPHRASE}


def task_url(task, *rest) -> str:
    return "/".join((API, "service-tasks", str(task.pk), *rest))


def bid_url(bid_id, *rest) -> str:
    return "/".join((API, "bids", str(bid_id), *rest))


def test_tender_goes_from_its_criteria_to_a_decided_complaint_over_http(
    aurora: Organisation, borealis: Organisation, cassia: Organisation
):
    task = draft(aurora, "tender", standstill_h=24)
    owner, winner, loser = (party.client() for party in (aurora, borealis, cassia))
    criteria = [{"name": "Price", "kind": "price", "weight": 70}, {"name": "Care", "kind": "own", "weight": 30}]
    kept = owner.put(task_url(task, "criteria"), {"criteria": criteria}, format="json")
    assert (kept.status_code, kept["ETag"]) == (200, owner.get(task_url(task, "criteria"))["ETag"])
    stale = {"headers": {"If-Match": '"1"'}, "format": "json"}
    assert owner.put(task_url(task, "criteria"), {"criteria": []}, **stale).status_code == 412
    assert owner.post(task_url(task, "publish")).status_code == 422
    made = owner.post(task_url(task, "openers"), PASS, format="json")
    assert (made.status_code, len(made.json()["openers"])) == (201, 1)
    assert owner.post(task_url(task, "publish")).json()["state"] == "open"
    assert winner.get(task_url(task, "criteria")).json()["criteria"] == criteria
    receipt = winner.post(task_url(task, "bid"), BID, format="json").json()
    assert hashlib.sha256(receipt["text"].encode()).hexdigest() == receipt["commitment"]
    assert loser.post(task_url(task, "bid"), BID | {"price_minor": 1000}, format="json").status_code == 201
    sealed = owner.get(bid_url(receipt["bid"])).json()["versions"][0]
    assert (sealed["is_sealed"], sealed["content"], sealed["commitment"]) == (True, None, receipt["commitment"])
    assert owner.post(task_url(task, "open-bids"), PASS, format="json").status_code == 409
    deadline_over(task)
    assert owner.get(task_url(task, "openers")).json()["needed"] == 1  # whoever looks closes the bidding
    assert owner.post(task_url(task, "open-bids"), PASS, format="json").json()["missing"] == []
    assert owner.get(bid_url(receipt["bid"])).json()["versions"][0]["content"]["method"] == "By crane."
    assert owner.post(task_url(task, "evaluate")).json()["state"] == "evaluating"
    for bid in owner.get(task_url(task, "comparison")).json()["bids"]:
        scores = [{"criterion": "Care", "points": 80, "reason": "clean references"}]
        assert owner.put(bid_url(bid["bid"], "scores"), {"scores": scores}, format="json").status_code == 200
    best, other = owner.get(task_url(task, "comparison")).json()["bids"]
    assert (best["bid"], best["total"], other["total"]) == (receipt["bid"], "94.00", "80.00")
    stale = owner.post(bid_url(best["bid"], "award"), {"reason": "best"}, headers={"If-Match": '"1"'}, format="json")
    assert stale.status_code == 412
    awarded = owner.post(bid_url(best["bid"], "award"), {"reason": "best by the criteria"}, format="json")
    assert awarded.json()["state"] == "won"
    beaten = loser.get(f"{API}/bids").json()["results"][0]
    assert (beaten["state"], beaten["outcome"]["total"]) == ("lost", "80.00")
    complaint = loser.post(bid_url(beaten["id"], "complaints"), {"text": "ours is safer"}, format="json").json()
    assert [each["id"] for each in owner.get(task_url(task, "complaints")).json()["results"]] == [complaint["id"]]
    assert winner.get(task_url(task, "complaints")).json()["results"] == []
    decision = {"is_upheld": True, "reason": "we had not read it"}
    decided = owner.post(f"{API}/complaints/{complaint['id']}/decide", decision, format="json").json()
    assert (decided["state"], owner.get(task_url(task)).json()["state"]) == ("upheld", "evaluating")


def test_quotation_is_withdrawn_shortlisted_and_ended_over_http(aurora, borealis, cassia):
    task = quotation(aurora)
    first, second = (placed(firm, task).bid for firm in (borealis, cassia))
    assert borealis.client().post(bid_url(first.pk, "withdraw")).json()["state"] == "withdrawn"
    owner = aurora.client()
    assert owner.post(task_url(task, "evaluate")).status_code == 200
    assert owner.post(bid_url(second.pk, "shortlist")).json()["state"] == "shortlisted"
    reason = {"reason": "far above the budget"}
    assert owner.post(bid_url(second.pk, "disqualify"), reason, format="json").json()["reason"] == reason["reason"]
    assert owner.post(bid_url(second.pk, "reinstate")).json()["state"] == "opened"
    assert owner.post(task_url(task, "fail"), reason, format="json").json()["state"] == "unsuccessful"
    assert cassia.client().get(bid_url(second.pk)).json()["state"] == "lost"


def test_second_of_two_evaluators_with_one_etag_is_refused(aurora, borealis):
    task = quotation(aurora)
    bid = placed(borealis, task).bid
    owner = aurora.client()
    assert owner.post(task_url(task, "evaluate")).status_code == 200
    seen = {"headers": {"If-Match": owner.get(bid_url(bid.pk))["ETag"]}, "format": "json"}
    for points, code in ((80, 200), (20, 412)):
        scores = {"scores": [{"criterion": "Experience", "points": points, "reason": "clean references"}]}
        assert owner.put(bid_url(bid.pk, "scores"), scores, **seen).status_code == code
    (row,) = owner.get(task_url(task, "comparison")).json()["bids"]
    assert [each["points"] for each in row["points"] if each["name"] == "Experience"] == ["80"]


def test_foreign_bids_answer_as_absent_ones(aurora, borealis, cassia):
    task = quotation(aurora)
    bid = placed(borealis, task).bid
    outsider, absent = cassia.client(), bid.pk.__class__(int=1)
    for rest, body in (
        ((), None),
        (("withdraw",), {}),
        (("award",), {"reason": "mine"}),
        (("complaints",), {"text": "mine"}),
    ):
        call = outsider.get if body is None else outsider.post
        foreign, missing = (call(bid_url(which, *rest), body, format="json") for which in (bid.pk, absent))
        assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert outsider.get(task_url(task, "bids")).json()["results"] == []


def test_bad_values_are_named_by_their_place(aurora, borealis):
    task = draft(aurora, "quotation")
    criteria = [{"name": "Price", "kind": "price", "weight": 60}]
    refused = aurora.client().put(task_url(task, "criteria"), {"criteria": criteria}, format="json").json()
    assert refused["errors"] == [{"pointer": "/criteria", "message": "the weights sum to 60; make it 100"}]
    bid = BID | {"currency": "EUR"}
    refused = borealis.client().post(task_url(quotation(aurora), "bid"), bid, format="json").json()
    assert [error["pointer"] for error in refused["errors"]] == ["/currency"]
