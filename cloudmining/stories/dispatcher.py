"""The dispatcher's story, told by clients of the public API: from a critical alarm of a customer to settled access.

The alarm drafts its task by itself; the firm reads what was frozen, quotes, wins, sees live data for as long as it
works, sends a person who has the papers and is free, and what the pump then measures is the evidence of its work.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from cloudmining.stories.mine import Mine, machine_of, site_of
from cloudmining.story import Party, Say, StoryError, expect, party
from edge_bridge.protocol import Alarm, AlarmEvent, Lane, Severity

LIMIT_MM_S: Final = 4.5
KEPT_FOR_H: Final = 0.01
REACTION_WITHIN_S, ACCESS_WITHIN_S = 60.0, 10.0
PUMP: Final = ("PUMP-07", "Slurry pump 7", "pump")
PAPER: Final = "vibration-analyst"
QUOTED_MINOR: Final = 240_000


def tell(base_url: str, keys: dict[str, str], say: Say) -> None:
    """Tell the whole story; StoryError names the step that failed."""
    with ExitStack() as stack:
        aurora = party("Aurora", base_url, keys["aurora"], stack)
        borealis = party("Borealis", base_url, keys["borealis"], stack)
        site = site_of(aurora, "north")
        pump = machine_of(aurora, site, *PUMP)
        mine = Mine.enrolled(aurora, site)
        _switch_on(aurora, say)
        draft = _alarm(aurora, mine, say)
        task = _publish(aurora, draft, say)
        crew = _crew(borealis)
        _read_snapshot(borealis, task, pump, say)
        bid = _quote(borealis, task, say)
        contract = _award(aurora, borealis, task, bid, pump, say)
        _send_somebody(borealis, task, crew, say)
        milestone = _work(aurora, borealis, mine, contract["id"], say)
        _accept(aurora, borealis, milestone, pump, say)
        _pay(aurora, borealis, contract["id"], say)
        _account(aurora, borealis, contract["agreement"], say)


def _switch_on(aurora: Party, say: Say) -> None:
    say("1. A pump is in trouble, and its alarm becomes work")
    aurora.put("reaction-switches", {"reaction": "critical_alarm", "is_on": True})


def _alarm(aurora: Party, mine: Mine, say: Say) -> str:
    """The draft that the alarm became."""
    now = datetime.now(UTC)
    mine.born((PUMP[0], "vibration", "mm/s"))
    rising = [(now - timedelta(seconds=180 - n), 3 + n * 0.05) for n in range(120)]
    mine.measured(PUMP[0], "vibration", rising)
    at, value = rising[-1]
    about: dict[str, Any] = {"severity": Severity.CRITICAL, "tag": "vibration", "value": value, "limit": LIMIT_MM_S}
    kind = f"vibration.{uuid4().hex[:6]}"  # an alarm of its own each time the story is told
    raised = Alarm(PUMP[0], kind, AlarmEvent.RAISED, rule="vibration", occurred_at=at, historical=False, **about)
    mine.say(Lane.P0, raised)
    say(f"   {PUMP[0]} shakes with {value:.1f} mm/s, limit {LIMIT_MM_S:g}: a critical alarm.")
    event = aurora.wait_for(
        "draft of a task", REACTION_WITHIN_S, lambda e: e["kind"] == "task.drafted" and kind in e["body"]["title"]
    )
    say(f"   Nobody typed it: the alarm drafted {event['body']['title']!r}, with its readings frozen as evidence.")
    return str(event["body"]["task"])


def _publish(aurora: Party, draft: str, say: Say) -> str:
    """A request for quotations, with whom the work takes and by what it will be judged done."""
    rule = {"tag": "vibration", "op": "below", "limit": LIMIT_MM_S, "for_h": KEPT_FOR_H}
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    terms = {"mode": "quotation", "bids_until": until, "fee_minor": 250_000, "currency": "USD", "access_h": 24}
    aurora.call("PATCH", f"service-tasks/{draft}", terms | {"acceptance": rule})
    aurora.put(f"service-tasks/{draft}/needs", {"needs": [{"people_n": 1, "certificate": PAPER}]})
    aurora.call("POST", f"service-tasks/{draft}/publish")
    say(
        f"   Aurora asks for quotations: somebody with the paper '{PAPER}', and a rule of acceptance, "
        f"vibration below {LIMIT_MM_S:g} mm/s for {3600 * KEPT_FOR_H:.0f} s."
    )
    return draft


@dataclass(frozen=True)
class Crew:
    """Mei Lin has the paper, Jonas Weber has none; `busy` is when another job will have called Mei Lin."""

    base: str
    mei: str
    jonas: str
    busy: dict[str, str]
    free: dict[str, str]


def _crew(borealis: Party) -> Crew:
    code, now = uuid4().hex[:6], datetime.now(UTC)
    base = borealis.call("POST", "sites", {"code": f"base-{code}", "name": "Base", "kind": "logistics_centre"})["id"]
    mei, jonas = (
        borealis.call("POST", "persons", {"code": f"{initials}-{code}", "name": name, "home_site": base})["id"]
        for initials, name in (("ML", "Mei Lin"), ("JW", "Jonas Weber"))
    )
    valid = {
        "issued_on": f"{now - timedelta(days=100):%Y-%m-%d}",
        "expires_on": f"{now + timedelta(days=300):%Y-%m-%d}",
    }
    paper = {"kind": PAPER, "number": f"VA-{code}", "issuer": "Inspectorate"} | valid
    borealis.call("POST", f"persons/{mei}/certificates", paper)
    borealis.call("POST", "experts", {"person": mei, "shows_name": True})
    busy, free = (
        {"from_at": (now + timedelta(hours=n)).isoformat(), "to_at": (now + timedelta(hours=n + 2)).isoformat()}
        for n in (1, 4)
    )
    return Crew(base, mei, jonas, busy, free)


def _read_snapshot(borealis: Party, task: str, pump: str, say: Say) -> None:
    say("2. The firm judges the work by what was frozen")
    borealis.wait_for("notice of the task", ACCESS_WITHIN_S, lambda e: e["body"].get("task") == task)
    _rank(borealis, task, say)
    evidence = borealis.call("GET", f"service-tasks/{task}")["evidence"]
    values = [reading[2] for reading in evidence["readings"]]
    if not values:
        raise StoryError("the snapshot holds no readings")
    say(
        f"   {len(values)} readings of {evidence['series'][0]['tag']} up to the alarm, from {values[0]:.1f} to "
        f"{values[-1]:.1f} mm/s: a bearing. It is what everybody may read, and no live data."
    )
    expect(borealis, f"equipment/{pump}/series", 404, say, "Before the award")


def _rank(borealis: Party, task: str, say: Say) -> None:
    """How well the task fits, by what the firm says of itself."""
    rate = {"category": "equipment_maintenance", "unit": "job", "amount_minor": QUOTED_MINOR, "currency": "USD"}
    profile = {"categories": ["equipment_maintenance"], "machines": [{"kind": PUMP[2], "n": 40}], "rates": [rate]}
    borealis.call("PUT", "profile", profile)
    matches = borealis.call("GET", "task-matches")["matches"]
    found = next((each for each in matches if each["task"]["id"] == task), None)
    if found is None:
        raise StoryError("the task is not among those ranked for the firm")
    reasons = "; ".join(reason["words"] for reason in found["reasons"])
    say(f"   In Borealis' list it fits {found['score']:.0f} %: {reasons}.")


def _quote(borealis: Party, task: str, say: Say) -> str:
    bid = {"price_minor": QUOTED_MINOR, "currency": "USD", "delivery_d": 1, "method": "Change the bearing, align it."}
    receipt = borealis.call("POST", f"service-tasks/{task}/bid", bid)
    say(f"3. Borealis quotes {QUOTED_MINOR / 100:,.2f} USD; its receipt is bound to {receipt['commitment'][:16]}….")
    return str(receipt["bid"])


def _award(aurora: Party, borealis: Party, task: str, bid: str, pump: str, say: Say) -> dict[str, Any]:
    """The contract."""
    aurora.call("POST", f"service-tasks/{task}/evaluate")
    aurora.call("POST", f"bids/{bid}/award", {"reason": "within the budget, and done tomorrow"})
    # Without a standstill the next sweep writes it.
    event = borealis.wait_for(
        "contract", REACTION_WITHIN_S, lambda e: e["kind"] == "contract.written" and e["body"]["task"] == task
    )
    say("   Aurora awards it: within the budget, and done tomorrow. The contract opens live data.")
    expect(borealis, f"equipment/{pump}/series", 200, say, "With the contract")
    return borealis.call("GET", f"contracts/{event['body']['contract']}")


def _send_somebody(borealis: Party, task: str, crew: Crew, say: Say) -> None:
    """Who has no paper and who is elsewhere can't be sent; the third try can."""
    say("4. The right person is sent")
    need = borealis.call("GET", f"service-tasks/{task}/needs")["needs"][0]["id"]
    job = {"person": crew.mei, "site": crew.base, "purpose": "another pump"}
    borealis.call("POST", "bookings", job | {"begins_at": crew.busy["from_at"], "ends_at": crew.busy["to_at"]})
    for name, asked in (
        ("Jonas Weber", {"person": crew.jonas, **crew.free}),
        ("Mei Lin, whom another pump has called by now,", {"person": crew.mei, **crew.busy}),
    ):
        refused = borealis.http.post(f"/api/v1/service-tasks/{task}/people", json=asked | {"need": need})
        if refused.status_code != 409:
            raise StoryError(f"{name} was to be refused, and the answer is {refused.status_code}: {refused.text[:200]}")
        say(f"   {name} is refused: {refused.json()['detail']}")
    sent = borealis.call("POST", f"service-tasks/{task}/people", {"person": crew.mei, "need": need, **crew.free})
    say(f"   Later today {sent['person_name']} is free: assigned, with {sent['papers'][0]['kind']}, for Aurora to see.")


def _work(aurora: Party, borealis: Party, mine: Mine, contract: str, say: Say) -> str:
    """The milestone, handed in with what its readings say."""
    say("5. What the pump measures is the evidence")
    now, seconds = datetime.now(UTC), round(3600 * KEPT_FOR_H) + 4
    mine.measured(PUMP[0], "vibration", [(now - timedelta(seconds=seconds - n), 2.1) for n in range(seconds + 1)])
    milestone = str(borealis.call("GET", f"contracts/{contract}")["milestones"][0]["id"])
    borealis.call("POST", f"milestones/{milestone}/submit", {"note": "Bearing replaced"})
    aurora.wait_for(
        "work to look at",
        ACCESS_WITHIN_S,
        lambda e: e["kind"] == "milestone.submitted" and e["body"]["milestone"] == milestone,
    )
    evidence = aurora.call("GET", f"contracts/{contract}")["milestones"][0]["submissions"][-1]["evidence"]
    if not evidence["passed"]:
        raise StoryError(f"the readings do not keep the rule: {evidence}")
    say(
        f"   {evidence['words']}: kept. Worst {evidence['worst']} {evidence['unit']}, "
        f"{100 * float(evidence['coverage_frac']):.0f} % of the time has readings; in the ledgers of both."
    )
    return milestone


def _accept(aurora: Party, borealis: Party, milestone: str, pump: str, say: Say) -> None:
    say("6. Accepted, closed, paid, counted")
    began_s = time.monotonic()
    aurora.call("POST", f"milestones/{milestone}/accept")
    borealis.wait_for("end of access", ACCESS_WITHIN_S, lambda e: e["kind"] == "rights.agreement_ended")
    expect(borealis, f"equipment/{pump}/series", 404, say, "After acceptance")
    say(f"   Access ended {1000 * (time.monotonic() - began_s):.0f} ms after Aurora said yes.")


def _pay(aurora: Party, borealis: Party, contract: str, say: Say) -> None:
    """Receipt, invoice and contract are matched; the last payment closes the contract."""
    milestone = borealis.call("GET", f"contracts/{contract}")["milestones"][0]
    aurora.call("POST", f"milestones/{milestone['id']}/receive", {})
    line = {"milestone": milestone["id"], "net_minor": milestone["amount_minor"]}
    borealis.call("POST", f"contracts/{contract}/invoices", {"number": f"B-{uuid4().hex[:8]}", "lines": [line]})
    aurora.call("POST", f"milestones/{milestone['id']}/pay", {"reference": "transfer 117"})
    statement = borealis.call("GET", f"contracts/{contract}/statement")
    told = statement["lines"][0]
    if statement["state"] != "closed" or not told["evidence"]["passed"]:
        raise StoryError(f"the contract is {statement['state']}, its evidence {told['evidence']}")
    say(
        f"   Received, invoiced, matched, paid: {told['paid_minor'] / 100:,.2f} {statement['currency']}; the line "
        f"names its evidence and {len(told['ledger_entries'])} entries of the ledger. The contract is closed."
    )


def _account(aurora: Party, borealis: Party, agreement: str, say: Say) -> None:
    month = f"{datetime.now(UTC):%Y-%m}"
    usage = borealis.call("GET", f"agreements/{agreement}/usage?month={month}")
    rows = sum(line["rows_read"] for line in usage["lines"])
    lines = aurora.call("GET", f"statements/{month}")["lines"]
    accepted = next(float(line["quantity"]) for line in lines if line["meter"] == "accepted_tasks")
    say(f"   Both read the same account: {rows} rows read under the agreement; accepted tasks: {accepted:.0f}.")
    for each in (aurora, borealis):
        verdict = each.call("GET", "ledger/verify")
        if verdict["fault"]:
            raise StoryError(f"{each.name}'s ledger: {verdict['fault']}")
    say("   The ledgers of both hold from their first entry to their last.")
