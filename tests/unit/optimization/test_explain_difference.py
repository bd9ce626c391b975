"""Two plans side by side: what changed and why, on the hand-made mine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimization.data import Plan, SolveOptions, SupplyChainInstance
from optimization.explain.difference import Change, difference, difference_words
from optimization.generator import generate
from optimization.instance_builder import build_instance
from optimization.solver import solve
from tests.unit.optimization import tiny


def planned(instance: SupplyChainInstance) -> Plan:
    plan = solve(instance, SolveOptions(gap=0.0, time_limit_s=30)).plan
    assert plan is not None
    return plan


def test_plan_does_not_differ_from_itself() -> None:
    instance = tiny.instance()
    plan = planned(instance)
    found = difference(instance, plan, instance, plan)
    assert (found.cost_by_term, found.flows, found.cutoffs, found.stocks, found.data) == ((), (), (), (), ())
    assert difference_words(found) == ("The cost stays: from 319.67 $ to 319.67 $.",)


def test_poorer_blend_is_traced_to_the_grade_that_changed() -> None:
    """B falls from 0.3 to 0.2: more of A is needed (40 t instead of 26 2/3), at 1 $ more a tonne."""
    before = tiny.instance()
    document = tiny.document()
    document["mines"][0]["locations"][1]["cutoffs"][0]["gamma"] = 0.2
    after = build_instance(document)
    found = difference(before, planned(before), after, planned(after))
    assert found.data == (
        Change("gamma", ("mines", "Aurora North", "B", "0.2", "week 1"), 0.3, 0.2),
        Change("gamma", ("mines", "Aurora North", "B", "0.2", "week 2"), 0.3, 0.2),
    )
    assert [(c.what, c.before, c.after) for c in found.cost_by_term] == [
        ("exploitation", pytest.approx(320 / 3), pytest.approx(120))
    ]
    assert found.old_plan_misses == ("(4) blended grade, worst case at Aurora North, week 1",)
    words = difference_words(found)
    assert words[0] == "The cost rises by 13.33 $: from 319.67 $ to 333.00 $."
    assert (
        "The old plan would no longer hold: it misses (4) blended grade, worst case at Aurora North, week 1." in words
    )
    assert any("ore mined (Aurora North, A, 0.5, week 1) 26.6667 t → 40 t" in sentence for sentence in words)


def test_dearer_shipments_keep_the_old_plan_and_say_what_it_would_cost() -> None:
    """A start-up of 3 $ instead of 30: two shipments (3 $ more, 4 $ of holding saved) and two openings of 15 $."""
    before = tiny.instance()
    lane = replace(before.mill_lanes[0], F=(3.0, 3.0))
    free = tuple(
        replace(m, locations=tuple(
            replace(i, cutoffs=tuple(replace(j, K=(0.0, 0.0)) for j in i.cutoffs)) for i in m.locations
        ))
        for m in before.mines
    )  # fmt: skip
    after = replace(before, mill_lanes=(lane,), mines=free)
    found = difference(before, planned(before), after, planned(after))
    assert found.old_plan_misses == ()
    assert found.old_plan_cost_usd == pytest.approx(319 + 2 / 3 - 27 - 15)
    assert found.after_usd == pytest.approx(319 + 2 / 3 - 27 - 15 - 4 + 3)
    assert Change("stock at the centre", ("Aurora North", "Port", "week 1"), 20.0, 0.0) in [
        replace(c, before=round(float(c.before or 0), 6)) for c in found.stocks
    ]
    assert any("The old plan would still hold" in s and "saves 1.00 $" in s for s in difference_words(found))


def test_changed_cut_off_is_told() -> None:
    instance = generate(1, 1, 1, 1, 1, 2, seed=1)
    poor, rich = (j.name for j in instance.mines[0].locations[0].cutoffs)
    old, new = (Plan(d={("mine 1", "location 1", j, "period 1"): 1.0}) for j in (poor, rich))
    found = difference(instance, old, instance, new)
    assert found.cutoffs == (Change("cut-off", ("mine 1", "location 1", "period 1"), poor, rich),)


def test_every_changed_number_of_a_larger_instance_has_its_own_place() -> None:
    before, after = (generate(3, 2, 3, 3, 2, 2, seed) for seed in (1, 2))
    found = difference(before, planned(before), after, planned(after))
    places = [(c.what, c.where) for c in found.data]
    assert len(set(places)) == len(places) > 100
    assert sum(float(c.after or 0) - float(c.before or 0) for c in found.cost_by_term) == pytest.approx(
        found.after_usd - found.before_usd, abs=0.1
    )
