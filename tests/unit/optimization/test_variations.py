"""Variations: what they change and what not, their words, their document form, and how each mistake is told."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from optimization.data import InstanceError, Plan
from optimization.explain.difference import difference
from optimization.generator import generate
from optimization.instance_builder import build_instance
from optimization.variations import read_variations, variation_words, variations_schema, vary
from optimization.variations.form import FIGURES, OUTAGES, SELECTORS, SETTABLE

BASE = generate(2, 2, 2, 6, 2, 2, seed=1)
P = BASE.periods
VALIDATOR = Draft202012Validator(variations_schema())


def varied(*documents):
    return vary(BASE, read_variations(list(documents)))


def changed(*documents):
    """(names…, symbol) → (before, after) of every number that differs from the base."""
    data = difference(BASE, Plan(), varied(*documents), Plan()).data
    return {(*change.where[1:], change.what): (change.before, change.after) for change in data}


def refused(*documents):
    with pytest.raises(InstanceError) as caught:
        varied(*documents)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_demand_of_one_user_rises_in_the_chosen_periods_only():
    found = changed({"kind": "demand", "user": "user 2", "factor": 1.1, "periods": list(P[2:4])})
    wanted = {(m, "user 2", t, "D") for m in ("mine 1", "mine 2") for t in P[2:4]}
    assert found.keys() == wanted
    assert all(after == before * 1.1 for before, after in found.values())


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        ({"kind": "capacity", "of": "mining", "mine": "mine 1"}, {("mine 1", t, "P") for t in P}),
        ({"kind": "capacity", "of": "milling", "mine": "mine 2"}, {("mine 2", t, "Q") for t in P}),
        ({"kind": "capacity", "of": "room", "centre": "centre 1"}, {("centre 1", t, "V") for t in P}),
        (
            {"kind": "capacity", "of": "lane", "mine": "mine 1", "centre": "centre 2"},
            {("mine 1", "centre 2", t, "R") for t in P},
        ),
        ({"kind": "price", "of": "processing"}, {("mine 1", "pc"), ("mine 2", "pc")}),
        ({"kind": "price", "of": "mill_storage", "mine": "mine 1"}, {("mine 1", "h")}),
        ({"kind": "freight", "of": "to_user", "user": "user 1"}, {(f"centre {n}", "user 1", "e") for n in (1, 2)}),
        ({"kind": "freight", "of": "to_centre", "mine": "mine 1", "centre": "centre 1"}, {("mine 1", "centre 1", "f")}),
    ],
)
def test_variation_changes_the_figures_it_names_and_no_other(document, wanted):
    assert changed({**document, "factor": 0.9}).keys() == wanted
    assert {after for _, after in changed({**document, "value": 7}).values()} == {7.0}


def test_freight_without_more_is_rates_and_shipments_of_all_lanes():
    assert {key[-1] for key in changed({"kind": "freight", "factor": 1.2})} == {"f", "e", "F", "G"}
    assert {key[-1] for key in changed({"kind": "price", "factor": 1.2})} == {"c", "K", "pc", "h", "g", "F", "G"}
    assert {key[-1] for key in changed({"kind": "capacity", "factor": 1.2, "mine": "mine 1"})} == {"P", "Q", "R"}


def test_poorer_ore_keeps_the_fall_in_proportion():
    after = varied({"kind": "grade", "factor": 0.9, "mine": "mine 1"})
    pairs = [(was, after.cutoff_by_key[key]) for key, was in BASE.cutoff_by_key.items() if key[0] == "mine 1"]
    for was, now in pairs:
        assert now.gamma == tuple(g * 0.9 for g in was.gamma)
        assert now.delta == tuple(d * 0.9 for d in was.delta)


def test_outage_is_zero_in_its_periods_and_untouched_in_the_others():
    when = [P[1], P[4]]
    mine = changed({"kind": "outage", "of": "mine", "mine": "mine 1", "periods": when})
    assert {key: after for key, (_, after) in mine.items()} == {("mine 1", t, "P"): 0.0 for t in when}
    centre = changed({"kind": "outage", "of": "centre", "centre": "centre 1", "periods": when})
    assert centre.keys() == {(f"mine {m}", "centre 1", t, "R") for m in (1, 2) for t in when}
    lane = changed({"kind": "outage", "of": "lane", "mine": "mine 2", "centre": "centre 1"})
    assert lane.keys() == {("mine 2", "centre 1", t, "R") for t in P}
    assert changed({"kind": "outage", "of": "mill", "mine": "mine 2"}).keys() == {("mine 2", t, "Q") for t in P}


def test_mine_that_is_out_gives_no_ore_even_where_ore_takes_no_resource():
    document = json.loads(BASE.to_json())
    free = document["mines"][0]["locations"][1]["cutoffs"][0]
    free["a"] = 0
    after = vary(
        build_instance(document),
        read_variations([{"kind": "outage", "of": "mine", "mine": "mine 1", "periods": [P[0]]}]),
    )
    key = ("mine 1", "location 2", free["name"])
    assert after.cutoff_by_key[key].xmax[0] == 0.0 < after.cutoff_by_key[key].xmax[1]


def test_single_value_is_set_by_its_symbol():
    assert changed({"kind": "set", "of": "alpha", "mine": "mine 1", "value": 0.2}).keys() == {("mine 1", "alpha")}
    assert varied({"kind": "set", "of": "Gamma", "mine": "mine 2", "value": 1.5}).budget("mine 2") == 1.5
    assert varied({"kind": "set", "of": "Gamma", "mine": "mine 2", "value": 1.5}).budget("mine 1") == BASE.budget(
        "mine 1"
    )
    names = {"mine": "mine 1", "user": "user 1"}
    found = changed({"kind": "set", "of": "D", **names, "value": 3, "periods": [P[5]]})
    assert found.keys() == {("mine 1", "user 1", P[5], "D")}


def test_variations_follow_one_another():
    twice = {"kind": "demand", "factor": 2}
    zero = {"kind": "demand", "value": 10}
    assert set(varied(twice, zero).demands[0].D) == {10.0}
    assert set(varied(zero, twice).demands[0].D) == {20.0}


def test_base_stays_as_it_was_and_the_same_variations_give_the_same_instance():
    before = BASE.to_json()
    documents = [
        {"kind": "freight", "factor": 1.3},
        {"kind": "outage", "of": "mine", "mine": "mine 1", "periods": [P[0]]},
    ]
    assert varied(*documents).to_json() == varied(*documents).to_json() != before
    assert BASE.to_json() == before
    assert varied() == BASE


WORDS = [
    ({"kind": "demand", "user": "user 2", "factor": 1.1, "periods": list(P[2:6])},
     "demand of user 2 +10 % in period 3 to period 6"),
    ({"kind": "capacity", "of": "mining", "mine": "mine 1", "value": 1200, "periods": [P[0], P[2]]},
     "mining capacity of mine 1 set to 1,200 in period 1, period 3"),
    ({"kind": "freight", "factor": 0.875}, "all freight -12.5 %"),
    ({"kind": "demand", "factor": 0}, "demand set to 0"),
    ({"kind": "outage", "of": "mill", "mine": "mine 1", "periods": [P[1]]}, "the mill of mine 1 is out in period 2"),
    ({"kind": "outage", "of": "centre", "centre": "centre 1"}, "centre 1 is out"),
    ({"kind": "outage", "of": "lane", "mine": "mine 1", "centre": "centre 2"}, "the lane mine 1 to centre 2 is out"),
    ({"kind": "set", "of": "alpha", "mine": "mine 1", "value": 0.3}, "least grade of the blend of mine 1 set to 0.3"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "words"), WORDS)
def test_variation_is_told_in_words(document, words):
    assert variation_words(read_variations([document])[0], P) == words


MISTAKES = [
    ({"kind": "demand", "user": "user 9", "factor": 2}, "/variations/0/user", "has no user 'user 9': it has user 1"),
    ({"kind": "demand", "factor": 2, "periods": ["May"]}, "/variations/0/periods", "no period 'May'"),
    ({"kind": "price", "of": "mining", "factor": 2, "periods": [P[0]]}, "/variations/0/periods", "one number for all"),
    ({"kind": "demand", "factor": -1}, "/variations/0/factor", "from 0"),
    ({"kind": "demand", "value": float("nan")}, "/variations/0/value", "from 0"),
    ({"kind": "demand", "value": 10**400}, "/variations/0/value", "below 1e9"),
    ({"kind": "demand", "factor": True}, "/variations/0/factor", "must be a number"),
    ({"kind": "demand"}, "/variations/0", "needs factor or value"),
    ({"kind": "demand", "factor": 2, "value": 1}, "/variations/0", "not both"),
    ({"kind": "capacity", "value": 5}, "/variations/0/of", "mining, milling, room, lane"),
    ({"kind": "capacity", "of": "speed", "factor": 2}, "/variations/0/of", "must be one of"),
    ({"kind": "weather", "factor": 2}, "/variations/0/kind", "capacity, demand"),
    ({"kind": "outage", "of": "mine"}, "/variations/0/mine", "is missing"),
    ({"kind": "outage", "of": "mine", "mine": "mine 1", "factor": 0}, "/variations/0/factor", "leave it out"),
    ({"kind": "demand", "centre": "centre 1", "factor": 2}, "/variations/0/centre", "use mine and user"),
    ({"kind": "price", "location": "location 1", "user": "user 1", "factor": 2}, "/variations/0", "together"),
    ({"kind": "demand", "factor": 2, "hope": 1}, "/variations/0", "'hope' is unknown"),
    ({"kind": "demand", "factor": 2, "periods": [P[0], P[0]]}, "/variations/0/periods", "twice"),
    ({"kind": "demand", "factor": 2, "periods": []}, "/variations/0/periods", "leave it out"),
    ({"kind": "grade", "of": "nominal", "factor": 9}, "/variations/0/factor", "above 1"),
    ({"kind": "set", "of": "Umin", "mine": "mine 1", "value": 9e8}, "/variations/0/value", "above Umax"),
    ({"kind": "set", "of": "Gamma", "mine": "mine 1", "value": 7}, "/variations/0/value", "locations"),
    ("demand", "/variations/0", "must be an object"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "path", "message"), MISTAKES)
def test_mistake_is_told_at_its_place(document, path, message):
    found = refused(document)
    assert list(found) == [path]
    assert message in found[path]


def test_lane_that_does_not_exist_is_told():
    document = json.loads(BASE.to_json())
    document["mill_lanes"] = [
        lane for lane in document["mill_lanes"] if (lane["mine"], lane["centre"]) != ("mine 1", "centre 2")
    ]
    sparse = build_instance(document)
    outage = {"kind": "outage", "of": "lane", "mine": "mine 1", "centre": "centre 2"}
    with pytest.raises(InstanceError, match="changes nothing"):
        vary(sparse, read_variations([outage]))


def test_last_variation_of_a_number_is_told_and_all_mistakes_at_once():
    fine, bad = {"kind": "grade", "of": "nominal", "factor": 1.0}, {"kind": "grade", "of": "nominal", "factor": 9}
    assert list(refused(fine, bad, {"kind": "demand", "factor": 1.5})) == ["/variations/1/factor"]
    assert list(refused({"kind": "demand", "user": "x", "factor": 1}, {"kind": "price", "mine": "y", "factor": 1})) == [
        "/variations/0/user",
        "/variations/1/mine",
    ]


def test_too_many_variations_and_no_list_are_refused():
    with pytest.raises(InstanceError, match="at most 200"):
        read_variations([{"kind": "demand", "factor": 1}] * 201)
    with pytest.raises(InstanceError, match="must be a list"):
        read_variations({"kind": "demand"})


def set_without(of, value, drop):
    names = {name: f"{name} 1" for name in SETTABLE[of].names}
    document = {"kind": "set", "of": of, "value": value, **names}
    return {key: item for key, item in document.items() if key != drop}


OFS = sorted({*OUTAGES, *SETTABLE, *(of for known in FIGURES.values() for of in known), "speed"})
NUMBERS = st.one_of(st.integers(-1, 10), st.floats(0, 2e9), st.just(True))
ROWS = st.fixed_dictionaries(
    {"kind": st.sampled_from([*FIGURES, "outage", "set", "weather"])},
    optional={
        "of": st.sampled_from(OFS),
        "factor": NUMBERS,
        "value": NUMBERS,
        "periods": st.lists(st.sampled_from(P), max_size=3),
        **{name: st.sampled_from([f"{name} 1", "", 7]) for name in SELECTORS},
    },
)
# Rows that are right but for what is dropped or added: pure chance would seldom make one.
LIKELY = st.one_of(
    ROWS,
    st.sampled_from([document for document, _ in WORDS]),
    st.builds(set_without, st.sampled_from(sorted(SETTABLE)), NUMBERS, st.sampled_from(["", "value", "mine"])),
)


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(LIKELY)
def test_reader_takes_what_the_schema_allows_and_nothing_else(row):
    try:
        read = read_variations([row])
    except InstanceError as error:
        assert not VALIDATOR.is_valid([row]), error
        assert all(problem.path.startswith("/variations") and problem.message for problem in error.problems)
    else:
        assert VALIDATOR.is_valid([row])
        assert read_variations([each.to_document() for each in read]) == read


def test_schema_itself_is_valid():
    Draft202012Validator.check_schema(variations_schema())
