"""Remote sessions over HTTP, from the booking to the statement."""

from datetime import UTC, datetime, timedelta

from tests.integration.marketplace import contract_scenes as contracts
from tests.integration.marketplace.firms import welders
from tests.integration.marketplace.test_contract_rest import post


def test_session_is_booked_held_and_settled_over_http(aurora, borealis, cassia):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    buyer, firm, outsider = aurora.client(), borealis.client(), cassia.client()
    now, address = datetime.now(UTC), f"contracts/{contract.pk}/sessions"
    body = {
        **{"person": str(people.wei.pk), "subject": "Spectrum", "ceiling_min": 30, "rate_minor": 250},
        **{"from_at": now.isoformat(), "to_at": (now + timedelta(hours=1)).isoformat()},
    }
    key = {"Idempotency-Key": "session-1"}
    made = [firm.post(f"/api/v1/{address}", body, format="json", headers=key) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201] and made[0].data["id"] == made[1].data["id"]
    assert made[1]["Idempotent-Replayed"] == "true" and made[0].headers["ETag"] == '"1"'
    assert (made[0].data["expert_name"], made[0].data["state"]) == ("Wei Chen", "proposed")
    step = f"remote-sessions/{made[0].data['id']}"
    assert post(buyer, address, **body).status_code == 404  # the person is none of the buyer's
    assert post(firm, address, **{**body, "ceiling_min": 0}).status_code == 422
    assert post(buyer, f"{step}/confirm").headers["ETag"] == '"2"'
    stale = firm.post(f"/api/v1/{step}/start", headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.data["title"]) == (412, "Precondition Failed")
    assert post(firm, f"{step}/start").data["state"] == "running"
    noted = post(firm, f"{step}/notes", words="second harmonic", looked_at="vibration").data["log"][0]
    reversed_ = post(firm, f"session-notes/{noted['id']}/reverse", reason="first harmonic")
    assert [entry["kind"] for entry in reversed_.data["log"]] == ["note", "reversal"]
    stopped = post(firm, f"{step}/stop", result="replace it").data
    assert (stopped["state"], stopped["minutes"], stopped["amount_minor"]) == ("ended", 1, 250)
    assert post(buyer, f"{step}/object", reason="it was not a minute").data["state"] == "objected"
    assert post(firm, f"{step}/correct", minutes=2, reason="longer").status_code == 422
    assert post(firm, f"{step}/correct", minutes=0, reason="never mind").data["amount_minor"] == 0
    assert post(firm, f"{step}/correct", minutes=1, reason="it was").data["state"] == "ended"
    done = post(buyer, f"{step}/accept").data
    assert (done["state"], done["milestone"] is not None) == ("accepted", True)
    line = firm.get(f"/api/v1/contracts/{contract.pk}/statement").data["lines"][-1]
    assert (line["session"]["minutes"], line["session"]["rate_minor"], line["accrued_minor"]) == (1, 250, 250)
    assert line["session"]["log"] == [entry["id"] for entry in done["log"]] and line["milestone"] == done["milestone"]
    assert [row["id"] for row in buyer.get("/api/v1/remote-sessions").data["results"]] == [done["id"]]
    assert [row["number"] for row in buyer.get(f"/api/v1/{address}").data["sessions"]] == [1]
    for path in (address, step):
        assert outsider.get(f"/api/v1/{path}").status_code == 404
    assert outsider.get("/api/v1/remote-sessions").data["results"] == []


def test_session_is_cancelled_over_http_with_a_reason(aurora, borealis):
    contract, people = contracts.written(aurora, borealis), welders(borealis)
    now, firm = datetime.now(UTC), borealis.client()
    times = {"from_at": (now + timedelta(days=1)).isoformat(), "to_at": (now + timedelta(days=1, hours=1)).isoformat()}
    said = {"person": str(people.wei.pk), "subject": "Spectrum", "ceiling_min": 30, "rate_minor": 1}
    step = f"remote-sessions/{post(firm, f'contracts/{contract.pk}/sessions', **said, **times).data['id']}"
    assert post(aurora.client(), f"{step}/cancel").status_code == 422
    for party, scope in ((aurora, "use_resources"), (borealis, "post_tasks")):
        other_s = party.client(["view_tasks", scope])
        assert post(other_s, f"{step}/cancel", reason="no need").status_code == 403
    crew_s = borealis.client(["view_tasks", "use_resources"])
    gone = post(crew_s, f"{step}/cancel", reason="no need").data
    assert (gone["state"], gone["reason"]) == ("cancelled", "no need")
    assert post(firm, f"{step}/start").status_code == 409
