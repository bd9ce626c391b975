"""What each organisation learns of a plan that several made: its own flows, its own cost, its own reasons."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimization.checker import check_plan
from optimization.data import SolveOptions
from optimization.explain.elastic import Diagnosis, Repair, Shortage, diagnose
from optimization.explain.named_rules import LANE, MILLING, ROOM
from optimization.generator import generate
from optimization.joint_parts import Bringers, Seat, assemble
from optimization.joint_shares import reasons, split
from optimization.solver import minimise, solve
from tests.unit.optimization.joint_documents import SEATS, brought, frame, parts, whole

OPTIONS = SolveOptions(gap=0.001, time_limit_s=20)
NAMES = {"aurora": {"North", "South"}, "borealis": {"Harbour"}, "delta": {"Steelworks", "Foundry"}}


@pytest.fixture(scope="module")
def planned():
    document = whole()
    made = assemble(frame(document), brought(document))
    return made, solve(made.instance, OPTIONS)


def test_shares_sum_to_the_objective_and_each_pays_what_it_brought(planned):
    made, result = planned
    shares = split(made.instance, result.plan, made.bringers)
    assert set(shares) == {"aurora", "borealis", "delta"}
    total = math.fsum(share.cost_usd for share in shares.values())
    assert total == pytest.approx(result.report.objective_usd, abs=0.005)
    assert shares["delta"].cost_usd == 0
    assert {name for name, usd in shares["borealis"].cost_terms_usd.items() if usd} == {
        "centre_to_user_transport",
        "centre_to_user_start_up",
    }
    terms = check_plan(made.instance, result.plan).cost_terms_usd
    for name, usd in terms.items():
        assert math.fsum(share.cost_terms_usd[name] for share in shares.values()) == pytest.approx(usd, abs=0.005)


def test_flow_is_seen_at_its_ends_and_nowhere_else(planned):
    made, result = planned
    shares = {who: share.plan for who, share in split(made.instance, result.plan, made.bringers).items()}
    for name in ("x", "d", "y", "u"):
        assert getattr(shares["aurora"], name) == getattr(result.plan, name)
        assert getattr(shares["borealis"], name) == getattr(shares["delta"], name) == {}
    for name in ("v", "p", "w"):
        assert getattr(shares["aurora"], name) == getattr(shares["borealis"], name) == getattr(result.plan, name)
        assert getattr(shares["delta"], name) == {}
    for name in ("z", "q"):
        assert all(getattr(share, name) == getattr(result.plan, name) for share in shares.values())


def test_mines_of_two_organisations_see_nothing_of_one_another():
    document = whole()
    own = parts(document)["aurora"]
    north, south = (
        {"mines": [own["mines"][k]], "mill_lanes": [row for row in own["mill_lanes"] if row["mine"] == name]}
        for k, name in enumerate(("North", "South"))
    )
    rest = [pair for pair in brought(document) if pair[0].participant != "aurora"]
    made = assemble(
        frame(document), [(Seat("n", mines=("North",)), north), (Seat("s", mines=("South",)), south), *rest]
    )
    shares = split(made.instance, solve(made.instance, OPTIONS).plan, made.bringers)
    seen = {who: str(shares[who].plan.to_document()) for who in ("n", "s")}
    assert "North" in seen["n"] and "South" not in seen["n"]
    assert "South" in seen["s"] and "North" not in seen["s"]


@pytest.fixture(scope="module")
def of_many():
    """A plan of four mines, two centres and three users, and where its names stand."""
    instance = generate(4, 2, 3, 2, 2, 2, seed=5)
    return instance, solve(instance, SolveOptions(gap=0.05, time_limit_s=20))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), parties=st.integers(1, 6))
def test_however_the_rows_are_divided_costs_sum_and_flows_are_seen_at_both_ends_only(of_many, seed, parties):
    instance, result = of_many
    draw = random.Random(seed)

    def of(names):
        return {name: f"party {draw.randrange(parties)}" for name in names}

    mine, centre, user = of(instance.mine_by_name), of(instance.centre_by_name), of(instance.users)
    either = {kind: {} for kind in ("mill", "user", "demand")}
    for lane in instance.mill_lanes:
        either["mill"][lane.mine, lane.centre] = draw.choice((mine[lane.mine], centre[lane.centre]))
    for lane in instance.user_lanes:
        either["user"][lane.centre, lane.user] = draw.choice((centre[lane.centre], user[lane.user]))
    for demand in instance.demands:
        either["demand"][demand.mine, demand.user] = draw.choice((mine[demand.mine], user[demand.user]))
    shares = split(instance, result.plan, Bringers(mine, centre, user, *either.values()))

    total = math.fsum(share.cost_usd for share in shares.values())
    assert total == pytest.approx(result.report.objective_usd, abs=0.005)
    for (m, n, s, t), tonnes in result.plan.z.items():
        seen_by = {who for who, share in shares.items() if (m, n, s, t) in share.plan.z}
        assert seen_by == {mine[m], centre[n], user[s]}
        assert all(shares[who].plan.z[m, n, s, t] == tonnes for who in seen_by)
    for m, n, t in result.plan.w:
        assert {who for who, share in shares.items() if (m, n, t) in share.plan.w} == {mine[m], centre[n]}
    for m, t in result.plan.y:
        assert {who for who, share in shares.items() if (m, t) in share.plan.y} == {mine[m]}


def told(document):
    made = assemble(frame(document), brought(document))
    diagnosis = diagnose(made.instance, minimise, OPTIONS)
    return diagnosis, reasons(made.instance, made.bringers, diagnosis)


def test_reasons_of_a_mine_too_weak_name_it_to_its_owner_and_tonnes_to_who_wants_them():
    document = whole()
    document["mines"][0]["Q"] = 1.0
    diagnosis, words = told(document)
    assert diagnosis.repairs and diagnosis.shortages
    assert any("at North" in line and "processing ability" in line for line in words["aurora"])
    assert any("t short for" in line for line in words["delta"])
    assert not any("Steelworks" in line or "Foundry" in line or "t short" in line for line in words["aurora"])
    assert "borealis" not in words


def test_shared_room_is_told_by_centre_and_period_to_who_uses_it():
    document = whole()
    made = assemble(frame(document), brought(document))
    period = document["periods"][0]
    room = Repair(ROOM, ("Harbour",), period, 12.5, "t", 4321.0)
    lane = Repair(LANE, ("North", "Harbour"), period, 3.0, "t", 77.0)
    mill = Repair(MILLING, ("South",), period, 4.0, "t ore", 55.0)
    short = Shortage("North", "Foundry", period, 8.0)
    words = reasons(made.instance, made.bringers, Diagnosis((short,), (room, lane, mill), True, True))
    assert words["borealis"] == (f"12.5 t more room at Harbour in {period} would do",)
    assert f"the room of Harbour, which you share, is too small in {period}" in words["aurora"]
    assert f"not all that is wanted of North in {period} can be delivered" in words["aurora"]
    everything = " ".join(line for lines in words.values() for line in lines)
    assert "4,321" not in everything
    assert "8.0" not in " ".join((*words["aurora"], *words["borealis"]))
    assert all("77 $" not in line for who in ("borealis", "delta") for line in words[who])


def test_nobody_is_told_of_names_that_it_did_not_bring():
    """A whole that lacks everything: each hears of its own, of lanes it brought, and of the room it shares."""
    document = whole()
    for mine in document["mines"]:
        mine["Q"] = 1.0
    for lane in document["mill_lanes"]:
        lane["R"] = 1.0
    _, words = told(document)
    for seat in SEATS:
        text = str(parts(document)[seat.participant])
        foreign = {name for who, names in NAMES.items() if who != seat.participant for name in names}
        for line in words.get(seat.participant, ()):
            assert not [name for name in foreign if name in line and name not in text], line
