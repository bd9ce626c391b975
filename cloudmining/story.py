"""The demo's main job, told as a short story by a client of the public API: nothing here touches the database.

Chapter 1: a robust plan, and what an outage would cost. Chapter 2: an alarm from the mine. Chapter 3: the alarm becomes
work for a partner, who sees just the data the work needs, for just as long as it needs it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from cloudmining.feed_client import FeedClient
from optimization.generator import generate

Say = Callable[[str], None]
PLAN_SEED, PLAN_SIZE = 1, (4, 2, 3, 4, 2, 2)
PLAN_OPTIONS = {"gap": 0.01, "time_limit_s": 60}
OUTAGE = {"kind": "outage", "of": "centre", "centre": "centre 1", "periods": ["period 2"]}
PLAN_WITHIN_S, ALARM_WITHIN_S, ACCESS_WITHIN_S = 120.0, 150.0, 10.0


class StoryError(Exception):
    """A step that did not go as it should, in words."""


@dataclass
class Party:
    """One organisation's program: its key, its HTTP client and its feed."""

    name: str
    http: httpx.Client
    feed: FeedClient

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self._answered(method, path, body)
        if not isinstance(answer, dict):
            raise StoryError(f"{self.name}: {method} {path} answered no object")
        return answer

    def listed(self, path: str) -> list[dict[str, Any]]:
        """What is told whole, not by pages."""
        return list(self._answered("GET", path))

    def put(self, path: str, body: Any) -> None:
        self._answered("PUT", path, body)

    def _answered(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"/api/v1/{path}", json=body)
        if answer.is_error:
            raise StoryError(f"{self.name}: {method} {path} answered {answer.status_code}: {answer.text[:500]}")
        return answer.json()

    def status(self, path: str) -> int:
        return self.http.get(f"/api/v1/{path}").status_code

    def wait_for(self, what: str, within_s: float, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first event that is wanted, with the moment it arrived."""
        event = self.feed.wait_for(wanted, within_s)
        if event is None:
            raise StoryError(f"{self.name}: no {what} on the feed within {within_s:.0f} s")
        return event


def tell(base_url: str, keys: dict[str, str], say: Say) -> None:
    """Tell the whole story; StoryError names the step that failed."""
    with ExitStack() as stack:
        aurora = party("Aurora", base_url, keys["aurora"], stack)
        borealis = party("Borealis", base_url, keys["borealis"], stack)
        plan = _plan(aurora, say)
        _what_if(aurora, plan, say)
        alarm = _alarm(aurora, say)
        _work(aurora, borealis, alarm, say)


def party(name: str, base_url: str, key: str, stack: ExitStack) -> Party:
    """With its feed from now on; both are closed with the stack."""
    headers = {"Authorization": f"Api-Key {key}"}
    http = stack.enter_context(httpx.Client(base_url=base_url, headers=headers, timeout=20))
    return Party(name, http, stack.enter_context(FeedClient(base_url, headers)))


def _plan(aurora: Party, say: Say) -> str:
    say("1. A robust plan")
    mines, centres, users, periods, locations, cutoffs = PLAN_SIZE
    instance = generate(*PLAN_SIZE, seed=PLAN_SEED).to_document()
    request = {"name": "Demo quarter", "instance": instance, "options": PLAN_OPTIONS}
    plan = aurora.call("POST", "plans", request)["id"]
    say(
        f"   {mines} mines of {locations} locations with {cutoffs} cut-offs, {centres} centres, {users} users, "
        f"{periods} periods, grades uncertain within a budget. A worker solves it."
    )
    report = solved(aurora, plan)["report"]
    say(
        f"   Cost ${report['objective_usd']:,.0f}, proven bound ${report['dual_bound_usd']:,.0f}, "
        f"gap {100 * report['relative_gap']:.2f} %, {report['elapsed_s']:.1f} s; "
        "every constraint checked again without the solver."
    )
    return plan


def solved(owner: Party, plan: str) -> dict[str, Any]:
    """The plan once it is; StoryError if it ends otherwise."""
    found = ended(owner, plan)
    if found["status"] != "solved":
        raise StoryError(f"the plan ended {found['status']}: {found.get('message')}")
    return found


def ended(owner: Party, plan: str) -> dict[str, Any]:
    """The plan once a worker is through with it."""
    ends = {"plan.solved", "plan.infeasible", "plan.stopped", "plan.failed"}
    owner.wait_for("end of the plan", PLAN_WITHIN_S, lambda e: e["kind"] in ends and e["body"]["plan"] == plan)
    return owner.call("GET", f"plans/{plan}")


def vary(
    owner: Party, base: str, name: str, variations: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
) -> tuple[str, str]:
    """A scenario that varies the version `base`, and its plan, which a worker will solve: words and the plan's id.

    The scenario's name carries the moment, since a name is taken once.
    """
    version = owner.call(
        "POST", "scenarios", {"name": f"{name}, {moment()}", "base": base, "variations": [*variations]}
    )
    path = f"scenarios/{version['scenario']}/versions/{version['number']}/solve"
    return "; ".join(version["words"]), owner.call("POST", path, {"options": {**options}})["id"]


def moment() -> str:
    return f"{datetime.now(UTC):%d %b %H:%M:%S}"


def _what_if(aurora: Party, plan: str, say: Say) -> None:
    instance = aurora.call("GET", f"plans/{plan}/instance")
    base = aurora.call("POST", "scenarios", {"name": f"Demo quarter, {moment()}", "instance": instance})
    words, other = vary(aurora, base["id"], "Demo quarter with an outage", [OUTAGE], PLAN_OPTIONS)
    solved(aurora, other)
    compared = aurora.call("GET", f"scenarios/compare?runs={plan},{other}")
    say(f"   What if {words}? {compared['differences'][0]['words'][0]}")


def _alarm(aurora: Party, say: Say) -> dict[str, Any]:
    say("2. An alarm from the mine")
    say("   The simulated ventilation fan stops; methane rises. Waiting for the alarm on Aurora's websocket …")
    event = aurora.wait_for("methane alarm", ALARM_WITHIN_S, _is_methane_alarm)
    alarm = event["body"]
    occurred, recorded = (datetime.fromisoformat(event[name]) for name in ("occurred_at", "recorded_at"))
    arrived: datetime = event["arrived_at"]
    say(
        f"   {alarm['severity']} {alarm['type']} at {alarm['equipment_code']} ({alarm['site_name']}): "
        f"{alarm['value']:.2f}, limit {alarm['limit']:g}."
    )
    say(
        f"   From the edge's rule to the screen {1000 * (arrived - occurred).total_seconds():.0f} ms, "
        f"from the cloud's record {1000 * (arrived - recorded).total_seconds():.0f} ms."
    )
    return alarm


def _is_methane_alarm(event: dict[str, Any]) -> bool:
    return event["kind"] == "alarm.raised" and event["body"]["type"].startswith("methane")


def _work(aurora: Party, borealis: Party, alarm: dict[str, Any], say: Say) -> None:
    say("3. From alarm to settled access")
    _settle_leftovers(aurora, borealis)
    data = f"equipment/{alarm['equipment']}/series"
    expect(borealis, data, 404, say, "Before the claim")
    draft = {
        "title": f"Find why {alarm['equipment_code']} shows methane, and restore the ventilation",
        "category": "equipment_maintenance",
        "alarm": alarm["alarm"],
        "opens": ["view_telemetry", "view_alarms"],
        "access_h": 24,
        "fee_minor": 250_000,
        "currency": "USD",
    }
    task = aurora.call("POST", "service-tasks", draft)["id"]
    aurora.call("POST", f"service-tasks/{task}/publish")
    say("   Aurora turns the alarm into a service task with a frozen snapshot, and publishes it.")
    borealis.wait_for("notice of the task", ACCESS_WITHIN_S, lambda e: e["body"].get("task") == task)
    claim = borealis.call("POST", f"service-tasks/{task}/claim")
    claimed_s = time.monotonic()
    say("   Borealis sees the notice on its own feed and claims the task: one winner, decided by the database.")
    expect(borealis, data, 200, say, "After the claim")
    borealis.call(
        "POST", f"service-tasks/{task}/submit", {"note": "Fan belt replaced", "token": claim["claim"]["token"]}
    )
    aurora.call("POST", f"service-tasks/{task}/accept")
    say(f"   Borealis submits, Aurora accepts; the access was open for {time.monotonic() - claimed_s:.1f} s.")
    borealis.wait_for("end of access", ACCESS_WITHIN_S, lambda e: e["kind"] == "rights.agreement_ended")
    expect(borealis, data, 404, say, "After acceptance")


def _settle_leftovers(aurora: Party, borealis: Party) -> None:
    """Claims of a story that was cut short would still hold their access open."""
    for task in borealis.call("GET", "service-tasks?scope=claimed")["results"]:
        if task["state"] == "claimed":
            borealis.call("POST", f"service-tasks/{task['id']}/release", {"token": task["claim"]["token"]})
        elif task["state"] == "submitted":
            aurora.call("POST", f"service-tasks/{task['id']}/accept")


def expect(party: Party, path: str, status: int, say: Say, when: str) -> None:
    """404 or 200 for data of a machine, said in words."""
    found = party.status(path)
    if found != status:
        hint = "; end what opens it on the owner's page Agreements, or choose another --home" if found == 200 else ""
        raise StoryError(f"{when} {party.name} got {found} for {path}, not {status}{hint}")
    words = {404: "is told there is no such equipment", 200: "reads its live data"}[status]
    say(f"   {when} {party.name} {words} (HTTP {status}).")
