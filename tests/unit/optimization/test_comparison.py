"""Plans side by side, on the hand-made mine: 319.67 $ with the grade as it is, 333.00 $ with B poorer."""

from dataclasses import replace

import pytest

from optimization.comparison import Solved, compare
from optimization.data import SolveOptions, SupplyChainInstance
from optimization.instance_builder import build_instance
from optimization.solver import solve
from tests.unit.optimization import tiny


def solved(instance: SupplyChainInstance) -> Solved:
    result = solve(instance, SolveOptions(gap=0.0, time_limit_s=30))
    assert result.plan is not None
    return Solved(instance, result.plan, result.report.relative_gap)


@pytest.fixture(scope="module")
def base() -> Solved:
    return solved(tiny.instance())


@pytest.fixture(scope="module")
def poorer() -> Solved:
    document = tiny.document()
    document["mines"][0]["locations"][1]["cutoffs"][0]["gamma"] = 0.2
    return solved(build_instance(document))


def test_table_holds_cost_terms_ore_stocks_and_service(base, poorer):
    found = compare([base, poorer])
    rows = {row.name: row.values for row in found.rows}
    assert rows["cost"] == pytest.approx((319.667, 333.0), abs=0.01)
    assert rows["exploitation"] == pytest.approx((320 / 3, 120))
    terms = [row.values for row in found.rows if row.unit == "$" and row.name != "cost"]
    assert len(terms) == 9
    assert [sum(column) for column in zip(*terms, strict=True)] == pytest.approx(rows["cost"])
    assert rows["gap"] == (0.0, 0.0)
    assert rows["ore mined at Aurora North"] == pytest.approx((80, 80))
    assert rows["service"] == pytest.approx((1.0, 1.0))
    assert rows["cut-offs changed"][0] == 0
    (apart,) = found.differences
    assert (apart.k, apart.words[0]) == (1, "The cost rises by 13.33 $: from 319.67 $ to 333.00 $.")


def test_column_without_a_plan_keeps_its_place_and_the_next_is_the_measure(base, poorer):
    found = compare([None, poorer, None, base])
    assert next(row.values for row in found.rows if row.name == "cost") == (
        None,
        pytest.approx(333.0),
        None,
        pytest.approx(319.667, abs=0.01),
    )
    assert [apart.k for apart in found.differences] == [3]
    assert found.differences[0].words[0].startswith("The cost falls by 13.33 $")


def test_nothing_solved_gives_an_empty_table():
    assert compare([None, None]).rows == ()


def test_missed_tonnes_lower_the_service(base):
    half = {key: tonnes / 2 for key, tonnes in base.plan.z.items()}
    found = compare([Solved(base.instance, replace(base.plan, z=half), None)])
    assert next(row.values for row in found.rows if row.name == "service") == pytest.approx((0.5,))


def test_plan_of_another_mine_is_told_beside_it(base):
    document = tiny.document()
    document["mines"][0]["name"] = "Aurora South"
    document["mill_lanes"][0]["mine"] = document["demands"][0]["mine"] = "Aurora South"
    found = compare([base, solved(build_instance(document))])
    ore = {row.name: row.values for row in found.rows if row.name.startswith("ore")}
    assert ore["ore mined at Aurora North"][1] is None is ore["ore mined at Aurora South"][0]
    assert any("would no longer hold" in words for words in found.differences[0].words)
