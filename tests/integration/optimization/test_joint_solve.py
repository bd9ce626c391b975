"""A plan of three organisations, solved by a real worker: the same as one would make, and each sees its own alone."""

import json
import math
import time

import pytest
from django.db import connection

from optimization.data import SolveOptions
from optimization.instance_builder import build_instance
from optimization.solver import solve
from tenants.models import FeedEvent
from tests.integration.optimization.joint_scenes import SHARES, WHO, scene
from tests.unit.optimization import joint_documents as documents

pytestmark = pytest.mark.usefixtures("live_worker")
# Figures that no flow can be equal to.
PRIVATE = ("c", "K", "pc", "h", "alpha", "gamma", "delta", "f", "g", "F", "e", "G", "V")


def ended(made):
    """The coordinator's row of a solve asked for now, once it is finished."""
    answer = made.act("aurora", "solve")
    assert answer.status_code == 202, answer.content
    deadline = time.monotonic() + 60
    while (body := made.clients["aurora"].get(answer["Location"]).json())["finished_at"] is None:
        assert time.monotonic() < deadline, body
        time.sleep(0.3)
    return body


def flows(made, who):
    share = made.shares(who)[0]
    return made.clients[who].get(f"{SHARES}/{share['id']}/plan").json()


def told(made, who):
    """What reached an organisation without its asking: every body on its feed, and the words of its share."""
    with made.organisations[who].acting():
        events = list(FeedEvent.objects.order_by("seq").values_list("kind", "body"))
    share = made.shares(who)[0]
    return events, [share["message"], *share["explanation"]]


def everything(made, who):
    """All that an organisation can read of the plan, as one text."""
    client, run = made.clients[who], made.shares(who)[0]["plan"]
    addresses = [made.url, f"{made.url}/part", "/api/v1/joint-plans", "/api/v1/plans", f"/api/v1/plans/{run}"]
    addresses += [f"/api/v1/plans/{run}/instance", f"/api/v1/plans/{run}/plan", SHARES]
    addresses += [f"{SHARES}/{made.shares(who)[0]['id']}{tail}" for tail in ("", "/plan")]
    return json.dumps([client.get(address).json() for address in addresses] + [told(made, who)], default=str)


def figures(part, keys=None, key=""):
    """The numbers of a part that are too long to be met by chance, as JSON has them."""
    if isinstance(part, dict):
        return {each for name, value in part.items() for each in figures(value, keys, name)}
    if isinstance(part, list):
        return {each for value in part for each in figures(value, keys, key)}
    is_long = isinstance(part, float) and len(repr(part)) >= 5
    return {repr(part)} if is_long and (keys is None or key in keys) else set()


def test_three_organisations_plan_as_one_would_and_each_sees_its_own(cassia):
    made = scene()
    made.bring_all()
    run = ended(made)
    assert run["status"] == "solved", run
    one = solve(build_instance(made.document), SolveOptions(gap=0.001, time_limit_s=30))
    assert run["report"]["objective_usd"] == one.report.objective_usd
    assert run["report"]["relative_gap"] <= 0.001
    shares = {who: made.shares(who)[0] for who in WHO}
    total = math.fsum(share["cost_usd"] for share in shares.values())
    assert round(total, 2) == round(run["report"]["objective_usd"], 2)
    for share in shares.values():
        assert share["cost_usd"] == pytest.approx(math.fsum(share["cost_terms_usd"].values()), abs=1e-6)

    whole = one.plan.to_document()
    seen = {who: flows(made, who) for who in WHO}
    for name, rows in whole.items():
        assert sorted({tuple(row) for each in seen.values() for row in each[name]}) == sorted(map(tuple, rows))
    assert not any(seen[who][name] for who in ("borealis", "delta") for name in "xdyu")
    assert not any(seen["delta"][name] for name in "vpw")
    assert seen["borealis"]["w"] == whole["w"] and seen["delta"]["z"] == whole["z"]

    assert (run["cost_terms_usd"], run["violations"], run["explanation"]) == (None, [], [])
    assert {run["report"][name] for name in ("rows", "columns", "binaries", "nodes", "peak_memory_mb")} == {None}
    assert made.clients["aurora"].get(f"/api/v1/plans/{run['id']}/plan").status_code == 409
    assert made.clients["aurora"].get(f"/api/v1/plans/{run['id']}/instance").json() == {}
    own = documents.parts(made.document)
    for who in WHO:
        text = everything(made, who)
        foreign = set().union(*(figures(part, PRIVATE) for other, part in own.items() if other != who))
        assert foreign and not [figure for figure in foreign - figures(own[who]) if figure in text], who

    kinds = {who: [kind for kind, body in told(made, who)[0] if "plan" in body] for who in WHO}
    assert kinds["borealis"] == kinds["delta"] == ["plan.share"]
    assert set(kinds["aurora"]) <= {"plan.queued", "plan.progress", "plan.solved", "plan.share"}
    assert not any("objective" in body or "message" in body for _, body in told(made, "delta")[0])
    foreign_share = f"{SHARES}/{shares['borealis']['id']}"
    for other in (made.clients["aurora"], cassia.client()):
        assert {other.get(f"{foreign_share}{tail}").status_code for tail in ("", "/plan")} == {404}
    for organisation, count in ((made.organisations["aurora"], 1), (cassia, 0)):
        with organisation.acting(), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM optimization_planshare")
            assert cursor.fetchone()[0] == count


def test_infeasible_plan_tells_each_its_own_reason_and_no_foreign_name_or_figure(live_worker):
    document = documents.whole()
    document["mines"][0]["Q"] = 1.25
    made = scene(document)
    made.bring_all()
    run = ended(made)
    assert (run["status"], run["explanation"]) == ("infeasible", [])
    own = documents.parts(document)
    words = {who: told(made, who)[1] for who in WHO}
    assert any("processing ability at North" in line for line in words["aurora"])
    assert any("short for" in line for line in words["delta"])
    assert words["borealis"][1:] == ["none of the causes that were found lies with what you brought"]
    names = {seat.participant: {*seat.mines, *seat.centres, *seat.users} for seat in documents.SEATS}
    for who in WHO:
        brought = json.dumps(own[who])
        foreign = {name for other in WHO if other != who for name in names[other] if f'"{name}"' not in brought}
        text = json.dumps([told(made, who), run["message"]] if who == "aurora" else told(made, who))
        assert not [name for name in foreign if name in text], (who, text)
        numbers = set().union(*(figures(own[other]) for other in WHO if other != who)) - figures(own[who])
        everywhere = everything(made, who)
        assert numbers and not [figure for figure in numbers if figure in everywhere], who
    assert "Traceback" not in live_worker.output, live_worker.output


def test_new_version_is_solved_anew_and_earlier_shares_stay_with_those_who_leave():
    made = scene()
    made.bring_all()
    first = ended(made)
    dearer = documents.parts(made.document)["borealis"]
    for lane in dearer["user_lanes"]:
        lane["e"] += 100
    assert made.bring("borealis", dearer).json()["version"] == 2
    second = ended(made)
    assert second["report"]["objective_usd"] > first["report"]["objective_usd"]
    assert made.act("borealis", "withdraw").status_code == 200
    assert made.act("aurora", "solve").status_code == 409
    shares = made.shares("borealis")
    assert [share["plan"] for share in shares] == [second["id"], first["id"]]
    filtered = made.clients["borealis"].get(f"{SHARES}?plan={first['id']}").json()["results"]
    assert [share["id"] for share in filtered] == [shares[1]["id"]]
