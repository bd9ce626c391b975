"""The director's story, told by clients of the public API: from an amber mill to an award that is proven.

The mine is simulated; its terminals and its gateway are as they would be there. What is said of it, of plans and of
bids is what the product answered.
"""

import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cloudmining.stories.mine import site_of
from cloudmining.stories.simulated import simulated_mine
from cloudmining.story import Party, Say, StoryError, ended, expect, moment, party, solved, vary
from optimization.generator import generate

MACHINES: Final = {
    "SHOVEL-01": ("Shovel 1", "loader"),
    "TRUCK-01-1": ("Truck 1", "haul_truck"),
    "TRUCK-01-2": ("Truck 2", "haul_truck"),
    "TRUCK-01-3": ("Truck 3", "haul_truck"),
    "BIN-01": ("Ore bin", "ore_bin"),
    "HOIST-01": ("Main hoist", "hoist"),
    "MILL-01": ("Mill", "mill"),
}
FLOW: Final = (
    ("SHOVEL-01", "moved"),
    ("BIN-01", "level"),
    ("HOIST-01", "throughput"),
    ("MILL-01", "throughput"),
    ("MILL-01", "bearing_temperature"),
)
AMBER: Final = "medium"
PLAN_SIZE, PLAN_SEED = (2, 2, 2, 4, 2, 2), 2
NAMES: Final = {
    "mine 1": "Aurora North",
    "mine 2": "Aurora South",
    "centre 1": "Harbour",
    "centre 2": "Rail yard",
    "user 1": "Coast steel works",
    "user 2": "Island works",
}
OPTIONS: Final = {"gap": 0.005, "time_limit_s": 60}
DRAWS: Final = 20
LESS_MINING: Final = {"kind": "capacity", "of": "mining", "mine": "Aurora North"}
SHORT_STOP: Final = [LESS_MINING | {"factor": 0.95, "periods": ["period 1"]}]
LONG_STOP: Final = [*SHORT_STOP, LESS_MINING | {"factor": 0.75, "periods": ["period 2", "period 3"]}]
CRITERIA: Final = (
    {"name": "Price", "kind": "price", "weight": 60},
    {"name": "Delivery", "kind": "delivery", "weight": 20},
    {"name": "Experience", "kind": "own", "weight": 20},
)
# Share of the budget, days, and the owner's points for experience with their reason.
OFFERS: Final = (
    (0.94, 20, 90, "three shovels of this make in two years"),
    (0.88, 45, 40, "no shovel of this make yet"),
)
SEEN_WITHIN_S, STUDIED_WITHIN_S, FAILS_WITHIN_S = 60.0, 120.0, 90.0


def tell(base_url: str, keys: dict[str, str], say: Say) -> None:
    """Tell the whole story; StoryError names the step that failed."""
    with ExitStack() as stack:
        aurora = party("Aurora", base_url, keys["aurora"], stack)
        firms = [party(name, base_url, keys[name.lower()], stack) for name in ("Borealis", "Ember")]
        site = site_of(aurora, "north")
        aurora.put("reaction-switches", {"reaction": "plan_infeasible", "is_on": True, "site": site})
        mine = stack.enter_context(simulated_mine(aurora, site, "director", MACHINES))
        plan = _asked(aurora)
        _flow(aurora, site, mine, say)
        _cost(aurora, plan, say)
        _protection(aurora, plan, say)
        base = _failure(aurora, plan, mine["SHOVEL-01"], say)
        task = _shortage(aurora, base, say)
        _post(aurora, firms, task, mine["SHOVEL-01"], say)
        won, lost = _ranked(aurora, firms, task, say)
        contract = _award(aurora, won, lost, task, mine["SHOVEL-01"], say)
        _proof(aurora, won[0], contract, say)


def _asked(aurora: Party) -> str:
    """A plan of the quarter, which a worker solves while the mine is looked at."""
    document = json.dumps(generate(*PLAN_SIZE, seed=PLAN_SEED).to_document())
    for name, called in NAMES.items():
        document = document.replace(f'"{name}"', f'"{called}"')
    request = {"name": "Director's quarter", "instance": json.loads(document), "options": OPTIONS}
    return str(aurora.call("POST", "plans", request)["id"])


# The mine -------------------------------------------------------------------------------------------------------------


def _flow(aurora: Party, site: str, mine: dict[str, str], say: Say) -> None:
    say("1. The flow, live")
    event = _raised(aurora, mine["MILL-01"])
    stations = [f"{MACHINES[code][0]} {tag} {_newest(aurora, mine[code], tag)}" for code, tag in FLOW]
    say(f"   {' → '.join(stations)}.")
    alarms = aurora.call("GET", f"alarms?active=true&site={site}")["results"]
    standing = {each["equipment"]: each["severity"] for each in alarms if each["equipment"] in mine.values()}
    if standing.get(mine["MILL-01"]) != AMBER:
        raise StoryError(f"the mill was expected to be amber, and the alarms are {standing}")
    say(f"   Of {len(mine)} machines {len(standing)} has an alarm. The mill is amber: {_told(event)}")


def _raised(aurora: Party, machine: str) -> dict[str, Any]:
    return aurora.wait_for(
        "alarm",
        FAILS_WITHIN_S,
        lambda e: e["kind"] == "alarm.raised" and e["body"]["equipment"] == machine,
    )


def _told(event: dict[str, Any]) -> str:
    alarm, occurred_at = event["body"], datetime.fromisoformat(event["occurred_at"])
    took_ms = 1000 * (event["arrived_at"] - occurred_at).total_seconds()
    what = f"{alarm['severity']} {alarm['type']}, {alarm['tag']} {alarm['value']:.1f}, limit {alarm['limit']:g}"
    return f"{what}; on the screen {took_ms:.0f} ms after it was measured."


def _newest(aurora: Party, machine: str, tag: str) -> str:
    series = aurora.call("GET", f"equipment/{machine}/series")["results"]
    found = next((each for each in series if each["tag"] == tag and each["latest"]), None)
    if found is None:
        raise StoryError(f"nothing was read of {tag}")
    return f"{found['latest']['value']:,.0f} {found['unit']}"


# The plan -------------------------------------------------------------------------------------------------------------


def _cost(aurora: Party, plan: str, say: Say) -> None:
    say("2. The plan: what it costs, and what a bad quarter may")
    report = solved(aurora, plan)["report"]
    say(f"   Solved in {report['elapsed_s']:.1f} s, proven to {100 * report['relative_gap']:.2f} %.")
    for words in aurora.call("GET", f"plans/{plan}/explanation")["words"][:2]:
        say(f"   {words}")
    found = _studied(aurora, "robustness", plan, draws=DRAWS)
    band = next(row for row in found["rows"] if row["meaning"] == "replan")
    say(
        f"   Risk band, planned anew for {band['draws']} draws of the grades: ${band['least']:,.0f} to "
        f"${band['most']:,.0f}, mean ${band['mean']:,.0f}."
    )


def _protection(aurora: Party, plan: str, say: Say) -> None:
    say("3. The slider: how much protection to buy")
    found = _studied(aurora, "protection", plan)
    for row in found["rows"]:
        if row["premium_frac"] is not None:
            say(
                f"   Γ = {row['budget']:g}: cost {100 * row['premium_frac']:+.2f} %, "
                f"chance of missing demand {100 * row['missed_frac']:.0f} %."
            )
    say(f"   {found['conclusions'][0]}.")


def _studied(aurora: Party, kind: str, plan: str, **options: Any) -> dict[str, Any]:
    """What came of a study of the plan's data."""
    asked = {"kind": kind, "name": f"Director, {kind}", "plan": plan, "options": {"gap": OPTIONS["gap"], **options}}
    study = aurora.call("POST", "experiments", asked)["id"]
    ends = {"experiment.solved", "experiment.stopped", "experiment.failed"}
    event = aurora.wait_for(
        f"end of the study {kind}",
        STUDIED_WITHIN_S,
        lambda e: e["kind"] in ends and e["body"]["experiment"] == study,
    )
    if event["kind"] != "experiment.solved":
        raise StoryError(f"the study {kind} ended {event['body']['status']}: {event['body'].get('message')}")
    return aurora.call("GET", f"experiments/{study}/results")


def _failure(aurora: Party, plan: str, shovel: str, say: Say) -> str:
    """The version of the scenario that the new plan varies."""
    say("4. A shovel fails")
    say(f"   In the simulator its swing gear breaks: {_told(_raised(aurora, shovel))}")
    instance = aurora.call("GET", f"plans/{plan}/instance")
    quarter = {"name": f"Director's quarter, {moment()}", "instance": instance}
    base = str(aurora.call("POST", "scenarios", quarter)["id"])
    words, other = vary(aurora, base, "A shovel stands", SHORT_STOP, OPTIONS)
    solved(aurora, other)
    found = aurora.call("GET", f"plans/{plan}/difference?to={other}")
    changes = ", ".join(f"{len(found[name])} {name}" for name in ("cutoffs", "flows", "stocks"))
    say(f"   A new plan with {words}: {found['words'][0]} It changes {changes}.")
    say(f"   {next(each for each in found['words'] if each.startswith('The old plan'))}")
    return base


def _shortage(aurora: Party, base: str, say: Say) -> str:
    """The draft that the infeasible plan became."""
    say("5. What if it stands for longer?")
    words, plan = vary(aurora, base, "A shovel stands for long", LONG_STOP, OPTIONS)
    found = ended(aurora, plan)
    if found["status"] != "infeasible":
        raise StoryError(f"a plan was expected not to fit, and ended {found['status']}")
    say(f"   With {words}:")
    for line in aurora.call("GET", f"plans/{plan}/explanation")["words"]:
        say(f"   {line}")
    event = aurora.wait_for(
        "draft of a task",
        SEEN_WITHIN_S,
        lambda e: e["kind"] == "task.drafted" and e["body"].get("reaction") == "plan_infeasible",
    )
    return str(event["body"]["task"])


# The market -----------------------------------------------------------------------------------------------------------


def _post(aurora: Party, firms: list[Party], task: str, shovel: str, say: Say) -> None:
    say("6. The repair becomes a task")
    draft = aurora.call("GET", f"service-tasks/{task}")
    budget = _money(draft["fee_minor"], draft["currency"])
    say(f"   Nobody typed it: {draft['title']!r}; its budget is what the repair costs, {budget}.")
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    terms = {"mode": "quotation", "bids_until": until, "opens": ["view_telemetry", "view_alarms"], "access_h": 72}
    aurora.call("PATCH", f"service-tasks/{task}", terms)
    aurora.put(f"service-tasks/{task}/criteria", {"criteria": [*CRITERIA]})
    aurora.call("POST", f"service-tasks/{task}/publish")
    for firm in firms:
        firm.wait_for("notice of the task", SEEN_WITHIN_S, lambda e: e["body"].get("task") == task)
        expect(firm, f"equipment/{shovel}/series", 404, say, "Before the award")
    weights = ", ".join(f"{each['name']} {each['weight']} %" for each in CRITERIA)
    say(f"   Aurora asks for quotations; bids will be judged by {weights}.")


Bidder = tuple[Party, str]


def _ranked(aurora: Party, firms: list[Party], task: str, say: Say) -> tuple[Bidder, Bidder]:
    """The best and the other, each with its bid."""
    say("7. Two bids, ranked with reasons")
    budget_minor = aurora.call("GET", f"service-tasks/{task}")["fee_minor"]
    placed: dict[str, Party] = {}
    for firm, (share, days, _, _) in zip(firms, OFFERS, strict=True):
        bid = {"price_minor": max(1, round(share * budget_minor)), "currency": "USD", "delivery_d": days}
        placed[firm.call("POST", f"service-tasks/{task}/bid", bid)["bid"]] = firm
    aurora.call("POST", f"service-tasks/{task}/evaluate")
    for bid_id, (_, _, points, reason) in zip(placed, OFFERS, strict=True):
        score = {"criterion": "Experience", "points": points, "reason": reason}
        aurora.put(f"bids/{bid_id}/scores", {"scores": [score]})
    found = aurora.call("GET", f"service-tasks/{task}/comparison")
    for row in found["bids"]:
        say(f"   {_line(row, found['currency'])}")
    best, other = found["bids"]
    return (placed[best["bid"]], best["bid"]), (placed[other["bid"]], other["bid"])


def _line(row: dict[str, Any], currency: str) -> str:
    points = ", ".join(f"{each['name'].lower()} {each['points']}{_because(each)}" for each in row["points"])
    offer = f"{_money(row['price_minor'], currency)} in {row['delivery_d']} days"
    return f"{row['rank']}. {row['firm_name']}, {offer}: {row['total']} points; {points}."


def _because(scored: dict[str, Any]) -> str:
    return f" ({scored['reason']})" if scored["reason"] else ""


def _award(aurora: Party, won: Bidder, lost: Bidder, task: str, shovel: str, say: Say) -> str:
    """The contract."""
    say("8. The award opens the data")
    aurora.call("POST", f"bids/{won[1]}/award", {"reason": "the best by the criteria that were published"})
    beaten = lost[0].call("GET", f"bids/{lost[1]}")
    say(
        f"   {lost[0].name} is told: {beaten['reason']}; its own points {beaten['outcome']['total']}, "
        f"rank {beaten['outcome']['rank']}."
    )
    # Without a standstill the next sweep writes it.
    event = won[0].wait_for(
        "contract", SEEN_WITHIN_S, lambda e: e["kind"] == "contract.written" and e["body"]["task"] == task
    )
    expect(won[0], f"equipment/{shovel}/series", 200, say, "With the contract")
    expect(lost[0], f"equipment/{shovel}/series", 404, say, "Still")
    return str(event["body"]["contract"])


def _proof(aurora: Party, winner: Party, contract: str, say: Say) -> None:
    say("9. The ledger")
    for each in (aurora, winner):
        verdict = each.call("GET", "ledger/verify")
        if verdict["fault"]:
            raise StoryError(f"{each.name}'s ledger: {verdict['fault']}")
        say(f"   {each.name}'s {verdict['last']} entries hold from the first to the last.")
    ours, theirs = (_entry(each, contract) for each in (aurora, winner))
    if ours["hash"] != theirs["hash"]:
        raise StoryError("the two ledgers tell the contract differently")
    say(f"   The contract stands in both under one hash, {ours['hash'][:16]}….")


def _entry(who: Party, contract: str) -> dict[str, Any]:
    found = who.call("GET", f"ledger?kind=contract.written&subject={contract}")["results"]
    if not found:
        raise StoryError(f"the contract is not in {who.name}'s ledger")
    return dict(found[0])


def _money(minor: int, currency: str) -> str:
    return f"{minor / 100:,.2f} {currency}"
