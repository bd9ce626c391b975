"""Instances and plans as documents: what goes in comes out, and what is wrong is named with its place."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import meta

from optimization.data import BudgetSet, InstanceError, Plan, SolveOptions
from optimization.documents import MAX_PROBLEMS, SCHEMA_PATH, document_from_file, document_from_json
from optimization.generator import generate
from optimization.instance_builder import build_instance, build_plan, instance_from_json
from tests.unit.optimization import tiny

Change = Callable[[dict[str, Any]], object]


@settings(max_examples=20, deadline=None)
@given(st.tuples(*[st.integers(1, 3)] * 6), st.integers(0, 10_000))
def test_generated_instance_comes_back_equal_from_its_json(sizes: tuple[int, ...], seed: int) -> None:
    instance = generate(*sizes, seed)
    assert instance_from_json(instance.to_json()) == instance


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(st.tuples(*[st.text(min_size=1)] * 4), st.floats(-1e9, 1e9)))
def test_plan_comes_back_equal_from_its_document(x: dict[tuple[str, ...], float]) -> None:
    plan = Plan(x=x, y={("Aurora North", "week 1"): 40.0})
    assert build_plan(json.loads(json.dumps(plan.to_document()))) == plan


def test_schema_is_itself_valid_and_documents_every_field() -> None:
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    meta.validate(schema)
    for kind in ("mine", "centre", "mill_lane", "user_lane", "demand"):
        for name, field in schema["$defs"][kind]["properties"].items():
            assert "description" in field or name == "name", (kind, name)


def test_instance_printed_in_the_guide_is_valid() -> None:
    guide = (Path(__file__).parents[3] / "docs/how-to/plan-headless.md").read_text(encoding="utf-8")
    printed = re.search(
        r'^    \{\n      "format": "cloudmining.instance/1".*?^    \}$', guide, re.DOTALL | re.MULTILINE
    )
    assert printed is not None
    assert instance_from_json(printed.group()) == tiny.instance({"kind": "budget", "Gamma": 1})


def test_one_number_stands_for_every_period() -> None:
    assert tiny.instance(P=100) == tiny.instance(P=[100, 100])


def test_decimals_and_percent_become_floats_and_fractions() -> None:
    percent = tiny.document(alpha=Decimal("40"))
    for location in percent["mines"][0]["locations"]:
        for cutoff in location["cutoffs"]:
            cutoff["gamma"], cutoff["delta"] = Decimal(str(cutoff["gamma"])) * 100, Decimal(str(cutoff["delta"])) * 100
    mine, wanted = build_instance(percent, grades_in_percent=True).mines[0], tiny.instance().mines[0]
    assert mine.alpha == pytest.approx(wanted.alpha) and type(mine.alpha) is float
    for made, plain in zip(mine.locations, wanted.locations, strict=True):
        assert made.cutoffs[0].gamma == pytest.approx(plain.cutoffs[0].gamma)
        assert made.cutoffs[0].delta == pytest.approx(plain.cutoffs[0].delta)


def test_budget_may_differ_between_mines_and_is_capped_by_locations() -> None:
    document = json.loads(generate(2, 1, 1, 1, 2, 1, seed=1).to_json())
    document["mines"][1]["locations"].pop()
    document["uncertainty"] = {"kind": "budget", "Gamma": [0.5, 2]}
    instance = build_instance(document)
    assert instance.uncertainty == BudgetSet((0.5, 2.0))
    assert [instance.budget(mine.name) for mine in instance.mines] == [0.5, 1.0]


def _set(path: str, value: object) -> Change:
    *parents, last = [int(part) if part.isdigit() else part for part in path.strip("/").split("/")]

    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for part in parents:
            place = place[part]
        place[last] = value

    return change


CUTOFF = "/mines/0/locations/0/cutoffs/0"
BAD = [
    (_set("/mines/0/pc", -3), "/mines/0/pc", "give 0 or more"),
    (_set("/mines/0/P", [1, -1]), "/mines/0/P/1", "give 0 or more"),
    (_set("/mines/0/P", float("nan")), "/mines/0/P", "finite"),
    (_set(f"{CUTOFF}/c", float("inf")), f"{CUTOFF}/c", "finite"),
    (_set(f"{CUTOFF}/c", Decimal("NaN")), f"{CUTOFF}/c", "finite"),
    (_set(f"{CUTOFF}/c", 10**400), f"{CUTOFF}/c", "finite"),
    (_set("/mines/0/Q", 1e9), "/mines/0/Q", "larger unit"),
    (_set("/mines/0/P", [1, 2, 3]), "/mines/0/P", "2 periods"),
    (_set(f"{CUTOFF}/K", [1]), f"{CUTOFF}/K", "2 periods"),
    (_set("/demands/0/D", [1]), "/demands/0/D", "2 periods"),
    (_set("/centres/0/V", []), "/centres/0/V", "at least one"),
    (_set("/mines", []), "/mines", "at least one"),
    (_set("/periods", []), "/periods", "at least one"),
    (_set("/mines/0/locations/0/cutoffs", []), "/mines/0/locations/0/cutoffs", "at least one"),
    (_set("/periods", ["a", "a"]), "/periods/1", "repeats"),
    (_set("/mines/0/locations/1/name", "A"), "/mines/0/locations/1/name", "repeats"),
    (lambda d: d["mill_lanes"].append(d["mill_lanes"][0]), "/mill_lanes/1", "repeats"),
    (lambda d: d["demands"].append(d["demands"][0]), "/demands/1", "repeats"),
    (_set("/mill_lanes/0/centre", "Atlantis"), "/mill_lanes/0/centre", "add it or correct the name"),
    (_set("/demands/0/user", "Nobody"), "/demands/0/user", "add it or correct the name"),
    (
        lambda d: d["users"].append("Far") or d["demands"].append({**d["demands"][0], "user": "Far"}),
        "/demands/1",
        "lane",
    ),
    (_set("/mines/0/Umin", 101), "/mines/0/Umin", "above Umax"),
    (_set(f"{CUTOFF}/delta", 0.7), f"{CUTOFF}/delta", "above gamma"),
    (_set(f"{CUTOFF}/gamma", 60), f"{CUTOFF}/gamma", "give 1 or less"),
    (_set("/mines/0/alpha", 40), "/mines/0/alpha", "give 1 or less"),
    (_set("/mines/0/beta", 0), "/mines/0/beta", "above 0"),
    (_set("/mines/0/h", 1e8), "/mines/0/h", "more than a million times the usual 1 $/t"),
    (_set("/mill_lanes/0/F", [30, 1e8]), "/mill_lanes/0/F", "more than a million times the usual 7.5 $"),
    (_set("/demands/0/D", [20, 1e-6]), "/demands/0/D", "below a millionth of the largest demand 20 t"),
    (_set("/mines/0/pc", "3"), "/mines/0/pc", "type number"),
    (_set("/mines/0/pc", True), "/mines/0/pc", "type number"),
    (_set("/mines/0/pc", None), "/mines/0/pc", "type number"),
    (_set("/mines/0/name", ""), "/mines/0/name", "empty name"),
    (_set("/mines/0/name", "a\nb"), "/mines/0/name", "one line"),
    (_set("/mines/0/colour", 1), "/mines/0/colour", "remove it, or use one of name, pc"),
    (_set("/mines/0/alfa", 1), "/mines/0/alfa", "did you mean 'alpha'?"),
    (_set("/mines/0/umax", 1), "/mines/0/umax", "did you mean 'Umax'?"),
    (lambda d: d["mines"][0].pop("P"), "/mines/0", "lacks 'P': add it (P[m,t]: production ability, resource"),
    (_set("/format", "other/9"), "/format", "cloudmining.instance/1"),
    (_set("/uncertainty", {"kind": "cloud"}), "/uncertainty/kind", "one of"),
    (_set("/uncertainty", {"kind": "budget"}), "/uncertainty", "Gamma"),
    (_set("/uncertainty", {"kind": "budget", "Gamma": 3}), "/uncertainty/Gamma", "0 to 2"),
    (_set("/uncertainty", {"kind": "budget", "Gamma": [1, 1]}), "/uncertainty/Gamma", "1 mines"),
    (_set("/uncertainty", {"kind": "box", "Gamma": 1}), "/uncertainty/Gamma", "remove it"),
    (_set("/uncertainty", {"kind": "paper", "Pi": 10, "pi": -3}), "/uncertainty/Pi", "below 0"),
    (_set("/uncertainty", {"kind": "paper", "Pi": -1, "pi": -3}), "/uncertainty/pi", "at most 1"),
]


@pytest.mark.parametrize(("change", "path", "words"), BAD, ids=[f"{path} {words}" for _, path, words in BAD])
def test_bad_value_is_refused_with_its_path_and_advice(change: Change, path: str, words: str) -> None:
    document = tiny.document()
    change(document)
    with pytest.raises(InstanceError) as refusal:
        build_instance(document)
    assert refusal.value.path == path
    assert words in refusal.value.message


COSTS = {
    "/mines/0": ("pc", "h"), CUTOFF: ("c", "K"), "/mill_lanes/0": ("f", "g", "F"), "/user_lanes/0": ("e", "G"),
}  # fmt: skip
COST_PATHS = [f"{row}/{name}" for row, names in COSTS.items() for name in names]


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [(path, -0.01, path) for path in COST_PATHS]
    + [(path, [1, -1], f"{path}/1") for path in COST_PATHS if path[-1] in "KFG"],
)
def test_no_cost_may_be_negative(path: str, value: object, where: str) -> None:
    """The bound of (12), the equality of (14) and the bound 0 of a plan's cost rest on it."""
    document = tiny.document()
    _set(path, value)(document)
    with pytest.raises(InstanceError) as refusal:
        build_instance(document)
    assert refusal.value.path == where


def test_several_problems_are_reported_together() -> None:
    document = tiny.document(pc=-1, h=-1, P=[1, -5])
    with pytest.raises(InstanceError) as refusal:
        build_instance(document)
    assert {problem.path for problem in refusal.value.problems} == {"/mines/0/pc", "/mines/0/h", "/mines/0/P/1"}


@pytest.mark.parametrize("text", ["", "{", "[1, 2", '{"a": 1, "a": 2}', "[" * 100_000, "nul", "9" * 5_000])
def test_text_that_is_no_proper_json_is_refused(text: str) -> None:
    with pytest.raises(InstanceError):
        document_from_json(text)


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_document_at_all_is_refused_without_a_crash(document: Any) -> None:
    with pytest.raises(InstanceError):
        build_instance(document)
    with pytest.raises(InstanceError):
        build_plan(document)


@pytest.mark.parametrize("odd", [{1: 2}, {"name": b"x"}, {"name": {1, 2}}, {"name": "a\ud800"}])
def test_what_json_can_not_hold_is_refused_in_words(odd: dict[Any, Any]) -> None:
    with pytest.raises(InstanceError):
        build_instance({**tiny.document(), **odd})


def test_equal_mistakes_everywhere_are_told_fifty_at_a_time_and_soon() -> None:
    """20,000 of them; the seconds are those of the processor, and twenty times what it takes."""
    document = tiny.document()
    document["periods"] = [f"week {t}" for t in range(1000)]
    document["demands"] = [{"mine": f"m{k}", "user": "Steelworks", "D": [-1.0] * 1000} for k in range(20)]
    began = time.process_time()
    with pytest.raises(InstanceError) as refusal:
        build_instance(document)
    assert time.process_time() - began < 1.0
    assert [p.path for p in refusal.value.problems][:2] == ["/demands/0/D/0", "/demands/0/D/1"]
    assert len(refusal.value.problems) == MAX_PROBLEMS


def test_mistake_far_down_a_list_is_found_too() -> None:
    document = tiny.document()
    document["users"] = [f"user {k}" for k in range(100)] + [""]
    with pytest.raises(InstanceError) as refusal:
        build_instance(document)
    assert refusal.value.path == "/users/100"


def test_file_that_is_too_long_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    began = time.process_time()
    with pytest.raises(InstanceError, match="longer than 32 MB"):
        document_from_file(path)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"x": [["m", "i", "j", "t", "many"]]}, "/x/0"),
        ({"x": [["m", "t", 1.0]]}, "/x/0"),
        ({"y": [["m", "t", 1.0], ["m", "t", 2.0]]}, "/y/1"),
        ({"y": [["m", "t", float("nan")]]}, "/y/0"),
        ({"y": [["m", "t", True]]}, "/y/0"),
        ({"y": {}}, "/y"),
        ({"k": []}, "/k"),
    ],
)
def test_bad_plan_row_is_refused_with_its_path(change: dict[str, Any], path: str) -> None:
    with pytest.raises(InstanceError) as refusal:
        build_plan({**Plan().to_document(), **change})
    assert refusal.value.path == path


@pytest.mark.parametrize(
    "options",
    [
        {"gap": -0.1},
        {"gap": 1},
        {"gap": float("nan")},
        {"time_limit_s": 0},
        {"time_limit_s": float("inf")},
        {"threads": 0},
        {"seed": -1},
        {"seed": 2**31},
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        SolveOptions(**options)
