"""What one may bring to a plan of several organisations, and how the parts make the instance that one would have."""

import pytest

from optimization.data import InstanceError
from optimization.instance_builder import build_instance
from optimization.joint_parts import PartsError, Seat, assemble, check_frame, check_part
from tests.unit.optimization.joint_documents import AURORA, BOREALIS, DELTA, SEATS, brought, frame, parts, whole

DOCUMENT = whole()
FRAME = frame(DOCUMENT)


def pointers(refusal) -> list[str]:
    return [problem.path for problem in refusal.value.problems]


def refused(seat: Seat, part: object, given=FRAME) -> list[str]:
    with pytest.raises(InstanceError) as refusal:
        check_part(given, SEATS, seat, part)
    assert all(problem.message for problem in refusal.value.problems)
    return pointers(refusal)


def test_parts_make_the_instance_that_one_organisation_would_have():
    made, one = assemble(FRAME, brought(DOCUMENT)), build_instance(DOCUMENT)
    for section in ("periods", "mines", "centres", "users", "mill_lanes", "user_lanes", "demands", "uncertainty"):
        assert getattr(made.instance, section) == getattr(one, section)
    assert dict(made.left_out) == {}
    assert made.bringers.mill_lane["South", "Harbour"] == "aurora"
    assert made.bringers.demand["North", "Foundry"] == "delta"


@pytest.mark.parametrize("seat", SEATS, ids=lambda seat: seat.participant)
@pytest.mark.parametrize("kind", ["nominal", "box", "budget"])
def test_sound_part_is_taken_under_every_set(seat, kind):
    given = FRAME | {"uncertainty": {"kind": kind} | ({"Gamma": 2} if kind == "budget" else {})}
    check_frame(given, SEATS)
    check_part(given, SEATS, seat, parts(DOCUMENT)[seat.participant])


def test_user_without_any_figure_brings_an_empty_part():
    check_part(FRAME, SEATS, DELTA, {})


@pytest.mark.parametrize("part", [None, [], "x", 7])
def test_part_that_is_no_object_is_refused(part):
    assert refused(AURORA, part) == [""]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"surprise": []}, ""),
        ({"mines": {}}, "/mines"),
        ({"mines": ["North"]}, "/mines"),
        ({"mill_lanes": [[]]}, "/mill_lanes"),
        ({"budget": []}, "/budget"),
        ({"budget": {"North": -1}}, "/budget/North"),
        ({"budget": {"North": True}}, "/budget/North"),
        ({"budget": {"North": 3}}, "/budget/North"),
        ({"budget": {"Elsewhere": 1}}, "/budget"),
        ({"mines": []}, "/mines"),
        ({"centres": parts(DOCUMENT)["borealis"]["centres"]}, "/centres/0/name"),
        ({"user_lanes": parts(DOCUMENT)["borealis"]["user_lanes"]}, "/user_lanes/0"),
        ({"demands": [{"mine": "North", "user": "Elsewhere", "D": 1}]}, "/demands/0/user"),
        ({"demands": [{"mine": "North", "user": ["Foundry"], "D": 1}]}, "/demands/0/user"),
        ({"demands": [{"mine": "North", "user": "Foundry", "D": -1}]}, "/demands/0/D"),
        ({"demands": [{"mine": "North", "user": "Foundry", "D": [1, 2, 3]}]}, "/demands/0/D"),
    ],
)
def test_bad_part_is_refused_with_the_place_in_it(change, pointer):
    assert pointer in refused(AURORA, parts(DOCUMENT)["aurora"] | change)


def test_figure_of_a_mine_is_refused_at_its_place_as_the_whole_would_be():
    part = parts(DOCUMENT)["aurora"]
    part["mines"][1]["locations"][0]["cutoffs"][1]["delta"] = [0.99, 0]
    assert refused(AURORA, part) == ["/mines/1/locations/0/cutoffs/1/delta"]


def test_mine_brought_twice_is_refused():
    part = parts(DOCUMENT)["aurora"]
    assert refused(AURORA, part | {"mines": [*part["mines"], part["mines"][0]]}) == ["/mines/2/name"]


def test_budget_means_nothing_under_another_set():
    given = FRAME | {"uncertainty": {"kind": "box"}}
    assert refused(AURORA, parts(DOCUMENT)["aurora"] | {"budget": {"North": 1}}, given) == ["/budget"]


def test_budget_of_a_part_goes_before_that_of_the_frame():
    own = parts(DOCUMENT)
    own["aurora"]["budget"] = {"South": 0.5}
    made = assemble(FRAME, [(seat, own[seat.participant]) for seat in SEATS])
    assert made.instance.uncertainty.Gamma == (1.0, 0.5)


@pytest.mark.parametrize(
    ("change", "seats", "pointer"),
    [
        ({"uncertainty": None}, SEATS, "/frame/uncertainty"),
        ({"uncertainty": {"kind": "polyhedron", "rows": []}}, SEATS, "/frame/uncertainty/kind"),
        ({"uncertainty": {"kind": "budget", "Gamma": [1, 1]}}, SEATS, "/frame/uncertainty/Gamma"),
        ({"uncertainty": {"kind": "budget", "Gamma": float("nan")}}, SEATS, "/frame/uncertainty/Gamma"),
        ({"uncertainty": {"kind": "box", "more": 1}}, SEATS, "/frame/uncertainty/more"),
        ({"uncertainty": {"kind": "paper", "Pi": 1, "pi": -3}}, SEATS, "/frame/uncertainty/Pi"),
        ({"periods": []}, SEATS, "/frame/periods"),
        ({"periods": ["p", "p"]}, SEATS, "/frame/periods/1"),
        ({"periods": ["p"] * 200_000}, SEATS, "/frame/periods"),
        ({"periods": 3}, SEATS, "/frame/periods"),
        ({}, [AURORA, BOREALIS], "/seats"),
        ({}, [*SEATS, Seat("x", mines=("North",))], "/seats/3/mines/0"),
        ({}, [*SEATS, Seat("x", users=("North",))], "/seats/3/users/0"),
        ({}, [*SEATS, Seat("x", centres=("a\nb",))], "/seats/3/centres/0"),
        ({}, [*SEATS, Seat("x", users=tuple(f"u{k}" for k in range(1000)))], "/seats"),
    ],
)
def test_bad_frame_is_refused_with_its_place(change, seats, pointer):
    with pytest.raises(InstanceError) as refusal:
        check_frame(FRAME | change, seats)
    assert pointer in pointers(refusal)


def test_what_names_somebody_who_withdrew_is_left_out():
    present = [(seat, part) for seat, part in brought(DOCUMENT) if seat is not DELTA]
    present.append((Seat("delta", users=("Steelworks",)), {"demands": parts(DOCUMENT)["delta"]["demands"]}))
    made = assemble(FRAME, present)
    assert {d.user for d in made.instance.demands} == {"Steelworks"} == {lane.user for lane in made.instance.user_lanes}
    assert made.left_out == {"borealis": 1, "delta": 2}


def test_lane_brought_by_both_its_ends_is_told_to_both():
    own = parts(DOCUMENT)
    own["borealis"]["mill_lanes"] = [own["aurora"]["mill_lanes"][1]]
    with pytest.raises(PartsError) as refusal:
        assemble(FRAME, [(seat, own[seat.participant]) for seat in SEATS])
    told = {who: [problem.path for problem in problems] for who, problems in refusal.value.problems.items()}
    assert told == {"aurora": ["/mill_lanes/1"], "borealis": ["/mill_lanes/0"]}


def test_demand_without_a_way_is_told_to_who_brought_it_alone():
    own = parts(DOCUMENT)
    own["borealis"]["user_lanes"] = [row for row in own["borealis"]["user_lanes"] if row["user"] != "Foundry"]
    with pytest.raises(PartsError) as refusal:
        assemble(FRAME, [(seat, own[seat.participant]) for seat in SEATS])
    assert list(refusal.value.problems) == ["delta"]
    lost = [k for k, row in enumerate(own["delta"]["demands"]) if row["user"] == "Foundry"]
    assert [problem.path for problem in refusal.value.problems["delta"]] == [f"/demands/{k}" for k in lost]


def test_closing_stock_may_be_asked_of_anothers_centre():
    part = parts(DOCUMENT)["aurora"]
    part["mill_lanes"][0]["w_end"] = 700.25
    check_part(FRAME, SEATS, AURORA, part)


def test_closing_stocks_beyond_the_room_are_told_to_both_without_a_figure():
    own = parts(DOCUMENT)
    own["borealis"]["centres"][0]["V"] = 512.75
    own["aurora"]["mill_lanes"][1]["w_end"] = 700.25
    with pytest.raises(PartsError) as refusal:
        assemble(FRAME, [(seat, own[seat.participant]) for seat in SEATS])
    told = {who: [problem.path for problem in problems] for who, problems in refusal.value.problems.items()}
    assert told == {"borealis": ["/centres/0/V"], "aurora": ["/mill_lanes/1/w_end"]}
    words = str(refusal.value.problems)
    assert "700" not in words and "512" not in words


def test_parts_without_any_lane_are_nobodys_mistake():
    own = parts(DOCUMENT)
    del own["aurora"]["mill_lanes"]
    with pytest.raises(PartsError, match="nobody brings any mill lanes") as refusal:
        assemble(FRAME, [(seat, own[seat.participant]) for seat in SEATS])
    assert refusal.value.problems == {}


def test_foreign_rows_by_the_thousand_are_refused_at_once():
    part = {"mines": [{"name": "Elsewhere"}] * 50_000 + [{"name": "North"}] * 50_000}
    assert len(refused(AURORA, part)) == 50
