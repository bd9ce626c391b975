"""Studies on the smallest sizes: tables, resumption, certificates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimization.data import Plan, SolveOptions, SupplyChainInstance
from optimization.experiments.cases import CASES, PARAMETERS, Size, drawn, generated, instance_of, scaled
from optimization.experiments.design import ABILITIES
from optimization.experiments.ledger import Ledger
from optimization.experiments.robustness import robustness, shortage_t
from optimization.experiments.sensitivity import sensitivity, tornado
from optimization.experiments.store import Row, Store, csv_of
from optimization.experiments.trend import Point, Reversal, certify_monotone, linear_trend, spread
from optimization.instance_builder import build_instance
from optimization.solver import solve
from tests.unit.optimization import tiny

SMALL = Size.parse("1-1-1-2")
OPTIONS = SolveOptions(gap=0.001, time_limit_s=20)


def test_table_1_has_both_meanings_with_their_statistics() -> None:
    rows = robustness(generated(SMALL, 1, 3), OPTIONS, Ledger(), n_draws=6)
    replan, keep = rows
    assert (replan["meaning"], keep["meaning"]) == ("replan", "keep")
    assert replan["n"] == keep["n"] == 6
    assert replan["least"] < replan["mean"] < replan["most"]
    assert replan["coefficient_of_variation"] == pytest.approx(replan["variance"] ** 0.5 / replan["mean"])
    assert replan["infeasible"] == replan["without_plan"] == 0 and 0 <= replan["worst_gap_frac"] <= OPTIONS.gap
    assert keep["infeasible"] == sum(tonnes > 0.01 for tonnes in keep["values"])
    assert keep["plan_cost_usd"] > replan["least"]
    assert 0 <= keep["held"] <= 6 - keep["infeasible"] and keep["infeasible_eased"] <= keep["infeasible"]


def test_kept_plan_is_short_by_what_the_poorer_blend_lacks() -> None:
    """Planned 80 t of ore at the least grade 0.4; the blend turns out at 0.3: three quarters of 40 t of product."""
    instance = tiny.instance()
    plan = solve(instance, OPTIONS).plan
    assert plan is not None
    assert shortage_t(instance, plan) == pytest.approx(0, abs=1e-6)
    poorer = scaled_grades(0.75)
    assert shortage_t(poorer, plan) == pytest.approx(10.0)
    assert shortage_t(scaled_grades(1.2), plan) == pytest.approx(0, abs=1e-6)


def test_least_stock_covers_a_shortage_only_where_it_may_be_used() -> None:
    plan = solve(tiny.instance(u0=4, Umin=4), OPTIONS).plan
    assert plan is not None
    poorer = scaled_grades(0.75, u0=4, Umin=4)
    assert shortage_t(poorer, plan) == pytest.approx(10.0)
    assert shortage_t(poorer, plan, uses_least_stock=True) == pytest.approx(6.0)


def scaled_grades(factor: float, **mine: float) -> SupplyChainInstance:
    document = tiny.document(**mine)
    for location in document["mines"][0]["locations"]:
        location["cutoffs"][0]["gamma"] *= factor
        location["cutoffs"][0]["delta"] = 0
    return build_instance(document)


def test_plan_without_flows_leaves_nothing_to_fall_short_of() -> None:
    assert shortage_t(tiny.instance(), Plan()) == 0


def test_draws_stay_within_the_deviation_and_depend_on_the_seed_alone() -> None:
    instance = instance_of(Size.parse("2-1-1-3"), 3, 1)
    world = drawn(instance, 7)
    assert world == drawn(instance, 7) != drawn(instance, 8)
    for key, cutoff in world.cutoff_by_key.items():
        nominal = instance.cutoff_by_key[key]
        assert all(abs(g - n) <= d + 1e-12 for g, n, d in zip(cutoff.gamma, nominal.gamma, nominal.delta, strict=True))


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_scaling_changes_that_parameter_alone(parameter: str) -> None:
    instance = instance_of(SMALL, 2, 1)
    before, after = (json.loads(each.to_json()) for each in (instance, scaled(instance, parameter, 0.5)))
    changed = {path[-1] for path, a, b in leaves(before, after) if a != b}
    assert changed == {parameter}
    assert scaled(instance, parameter, 1.0) == instance


def leaves(a, b, path=("",)):
    if isinstance(a, dict):
        for key in a:
            yield from leaves(a[key], b[key], (*path, key))
    elif isinstance(a, list):
        for one, other in zip(a, b, strict=True):
            yield from leaves(one, other, path)
    else:
        yield path, a, b


def test_table_2_is_monotone_within_the_gap_and_its_trend_falls() -> None:
    (row,) = sensitivity(generated(SMALL, 3, 1), OPTIONS, Ledger())
    assert [p["ability"] for p in row["points"]] == list(ABILITIES)
    assert row["is_monotone"] and row["slope"] < 0 and 0 < row["r_squared"] <= 1


def test_tornado_begins_with_what_has_no_plan_and_then_the_widest() -> None:
    rows = tornado(generated(SMALL, 2, 1), OPTIONS, Ledger(), parameters=("c", "P", "V"), change=0.2)
    assert rows[0]["parameter"] == "P" and rows[0]["low_usd"] is None
    by_name = {row["parameter"]: row for row in rows}
    assert by_name["c"]["low_usd"] < by_name["c"]["base_usd"] < by_name["c"]["high_usd"]
    assert len({row["base_usd"] for row in rows}) == 1


def test_experiment_is_resumed_after_a_crash_without_solving_again(tmp_path: Path) -> None:
    path = tmp_path / "solves.jsonl"
    subject, abilities = generated(SMALL, 1, 1), (1.0, 1.2, 1.5)
    first = sensitivity(subject, OPTIONS, Ledger(Store(path)), abilities)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) == 3
    path.write_text("".join(lines[:2]) + lines[2][:40], encoding="utf-8")
    store = Store(path)
    assert len(store) == 2
    assert sensitivity(subject, OPTIONS, Ledger(store), abilities) == first
    assert len(path.read_text(encoding="utf-8").splitlines()) == 3

    def never() -> Row:
        raise AssertionError("solved again")

    again, key = Ledger(Store(path)), json.loads(lines[0])["key"]
    assert again.once(key, never) == json.loads(lines[0])["row"]


def test_line_that_is_no_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "solves.jsonl"
    path.write_text('{"key": {}, "row": {}}\n{"half": 1}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="line 2: is no row"):
        Store(path)


def test_reversal_that_the_gap_explains_is_flagged_and_one_that_it_can_not_explain_breaks_the_certificate() -> None:
    falling = [Point(1.0, 100.0, 99.0), Point(1.2, 95.0, 94.0)]
    assert certify_monotone(falling) == certify_monotone(list(reversed(falling)))
    assert certify_monotone(falling).reversals == ()
    gap = certify_monotone([*falling, Point(1.5, 96.0, 93.0)])
    assert gap.is_monotone and gap.reversals == (Reversal(1.2, 1.5, pytest.approx(1.0), is_gap=True),)
    wrong = certify_monotone([*falling, Point(1.5, 97.0, 95.5)])
    assert not wrong.is_monotone
    vanished = certify_monotone([*falling, Point(1.5, None, None, is_infeasible=True)])
    assert not vanished.is_monotone and vanished.reversals[0].rise_usd is None
    assert certify_monotone([Point(0.9, None, None, is_infeasible=True), *falling]).is_monotone


def test_trend_and_spread_are_those_computed_by_hand() -> None:
    trend = linear_trend([0, 1, 2], [5, 3, 1])
    assert (trend.slope, trend.intercept, trend.r_squared) == pytest.approx((-2, 5, 1))
    assert linear_trend([0, 1, 2, 3], [0, 2, 1, 3]).r_squared == pytest.approx(0.64)
    with pytest.raises(ValueError, match="two different"):
        linear_trend([1, 1], [2, 3])
    found = spread([2.0, 4.0, 6.0])
    assert found is not None
    assert (found.mean, found.variance, found.coefficient_of_variation) == pytest.approx((4, 4, 0.5))
    assert spread([]) is None


def test_sizes_and_cases_out_of_range_are_refused_in_words() -> None:
    for text in ("3-2-2", "3-2-0-3", "a-b-c-d"):
        with pytest.raises(ValueError, match="mines-centres-users-periods"):
            Size.parse(text)
    with pytest.raises(ValueError, match="give 1 to 5"):
        instance_of(SMALL, len(CASES) + 1, 1)
    with pytest.raises(ValueError, match="give one of"):
        scaled(instance_of(SMALL, 1, 1), "gamma", 2)


def test_table_has_a_column_for_every_field_of_any_row() -> None:
    assert csv_of([{"a": 1, "points": [1]}, {"a": 2, "b": "x, y"}]) == 'a,b\n1,\n2,"x, y"\n'
