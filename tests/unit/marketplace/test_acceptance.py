"""Rules of acceptance: what they take, and what readings say of them."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_bridge.readings.downsampling import Band
from edge_bridge.readings.spans import HeldSpan, held
from marketplace.acceptance import LONGEST_H, AcceptanceRule, Stand, evaluate, standing
from tenants.data import Invalid
from tenants.ledger.text import canonical_json

END = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, TEN = timedelta(hours=1), timedelta(seconds=10)
GOOD = {"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 1}


def span(from_min: float, to_min: float, lowest: float, highest: float | None = None) -> HeldSpan:
    """In the hour before END."""
    at = [END - HOUR + timedelta(minutes=each) for each in (from_min, to_min)]
    return HeldSpan(*at, lowest, lowest if highest is None else highest)


def rule(**changed: object) -> AcceptanceRule:
    return AcceptanceRule.from_document({**GOOD, **changed})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tag", ""),
        ("tag", "  "),
        ("tag", 7),
        ("op", "near"),
        ("limit", "4.5"),
        ("limit", True),
        ("limit", float("nan")),
        ("upper", 9.0),
        ("for_h", 0),
        ("for_h", LONGEST_H + 1),
        ("for_h", None),
        ("coverage_frac", 0),
        ("coverage_frac", 1.1),
        ("equipment", "pump 7"),
        ("equipment", 7),
        ("because", "x"),
    ],
)
def test_bad_value_of_a_rule_is_pointed_at(field, value):
    with pytest.raises(Invalid) as refused:
        rule(**{field: value})
    assert [error.pointer for error in refused.value.errors] == [f"/acceptance/{field}"]


@pytest.mark.parametrize("upper", [None, 4.5, 4.0, "9"])
def test_between_needs_an_upper_limit_above_the_lower(upper):
    with pytest.raises(Invalid) as refused:
        rule(op="between", upper=upper)
    assert [error.pointer for error in refused.value.errors] == ["/acceptance/upper"]


@pytest.mark.parametrize("document", [None, [], "vibration", 3])
def test_rule_that_is_no_object_is_refused(document):
    with pytest.raises(Invalid, match="won't do"):
        AcceptanceRule.from_document(document)


def test_rule_is_stored_as_it_is_read():
    made = rule(op="between", upper=9, equipment=str(uuid4()), coverage_frac=0.5)
    assert AcceptanceRule.from_document(made.to_document()) == made
    assert (
        made.words("mm/s") == "vibration between 4.5 and 9 mm/s for 1 h"
        and rule().words() == "vibration below 4.5 for 1 h"
    )


@pytest.mark.parametrize(
    ("changed", "value", "passes"),
    [
        ({}, 4.5, True),
        ({}, 4.51, False),
        ({"op": "above"}, 4.5, True),
        ({"op": "above"}, 4.49, False),
        ({"op": "between", "upper": 9}, 9.0, True),
        ({"op": "between", "upper": 9}, 9.1, False),
        ({"op": "between", "upper": 9}, 4.4, False),
    ],
)
def test_limit_itself_is_within(changed, value, passes):
    found = evaluate(rule(**changed), [span(0, 60, value)], END)
    assert (found.passed, found.worst, found.coverage_frac) == (passes, value, 1)


def test_spike_without_length_fails_the_rule():
    found = evaluate(rule(), [span(0, 30, 1), span(30, 30, 9), span(30, 60, 1)], END)
    assert (found.passed, found.share_frac, found.worst) == (False, 1, 9)


def test_too_little_coverage_is_no_pass_and_no_reading_neither():
    half = evaluate(rule(coverage_frac=0.6), [span(0, 30, 1)], END)
    assert (half.passed, half.share_frac, half.coverage_frac) == (False, 1, 0.5)
    none = evaluate(rule(), [], END)
    assert (none.passed, none.share_frac, none.coverage_frac, none.worst) == (False, 0, 0, None)


def test_what_was_before_the_time_asked_for_does_not_count():
    found = evaluate(rule(), [span(-60, -1, 9), span(-1, 40, 2), span(40, 80, 3)], END)
    assert (found.passed, found.coverage_frac, found.worst) == (True, 1, 3)
    assert (found.from_at, found.to_at) == (END - HOUR, END)


def test_worst_is_the_value_farthest_beyond_either_limit():
    within = rule(op="between", upper=9)
    assert evaluate(within, [span(0, 30, 4, 8), span(30, 60, 6, 12)], END).worst == 12
    assert evaluate(within, [span(0, 30, 1, 8), span(30, 60, 6, 10)], END).worst == 1


def test_evidence_is_what_the_ledger_takes():
    told = evaluate(rule(), [span(0, 45, 1 / 3), span(45, 60, 5.25)], END).to_document()
    assert canonical_json(told)
    assert (told["share_frac"], told["coverage_frac"], told["worst"]) == ("0.7500", "1.0000", "5.25")


spans = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(-5, 15), st.integers(0, 5)), max_size=8
).map(lambda steps: list(_laid(steps)))


def _laid(steps):
    at = -10.0
    for pause, length, lowest, width in steps:
        yield span(at + pause, at + pause + length, lowest, lowest + width)
        at += pause + length


@settings(max_examples=150, deadline=None)
@given(spans, st.sampled_from(["below", "above", "between"]), st.integers(0, 9), st.floats(0.1, 1))
def test_passed_means_enough_readings_and_none_outside(laid, op, limit, coverage_frac):
    upper = {"upper": limit + 3} if op == "between" else {}
    asked = rule(op=op, limit=limit, coverage_frac=coverage_frac, **upper)
    found = evaluate(asked, laid, END)
    told = [each for each in laid if each.to_at >= END - HOUR and each.from_at <= END]
    low, high = {"below": (-99, limit), "above": (limit, 99), "between": (limit, limit + 3)}[op]
    is_within = all(low <= each.lowest and each.highest <= high for each in told)
    assert 0 <= found.share_frac <= 1 and 0 <= found.coverage_frac <= 1
    assert found.passed == (bool(told) and is_within and found.coverage_frac >= coverage_frac)
    assert (found.worst is None) == (not told)
    if told:
        assert is_within == (low <= found.worst <= high)


@pytest.mark.parametrize(
    ("laid", "stand", "since_min", "covered_min"),
    [
        ([span(0, 60, 2)], Stand.WITHIN, 0, 60),
        ([span(-30, 60, 2)], Stand.WITHIN, 0, 60),
        ([span(0, 20, 2), span(20, 30, 9), span(30, 40, 2), span(45, 60, 3)], Stand.WITHIN, 30, 25),
        ([span(0, 20, 9), span(20, 30, 2), span(30, 40, 9), span(40, 60, 9)], Stand.OUTSIDE, 30, 0),
        ([span(-20, 60, 9)], Stand.OUTSIDE, 0, 0),
        ([span(0, 44, 2)], Stand.SILENT, 44, 0),
        ([span(0, 46, 2)], Stand.WITHIN, 0, 46),
        ([span(-30, -20, 2)], Stand.SILENT, None, 0),
        ([], Stand.SILENT, None, 0),
    ],
)
def test_rule_stands_as_the_newest_readings_say_since_they_began_to(laid, stand, since_min, covered_min):
    found = standing(rule(), laid, END)
    since = None if since_min is None else END - HOUR + timedelta(minutes=since_min)
    assert (found.stand, found.since, round(60 * found.covered_h)) == (stand, since, covered_min)
    assert found.is_kept == evaluate(rule(), laid, END).passed


@pytest.mark.parametrize(
    ("laid", "words"),
    [
        ([span(0, 30, 9), span(30, 60, 2)], "in band since 2026-03-01 11:30 UTC, 0.5 of 1 h covered"),
        ([span(0, 60, 9)], "out of band since 2026-03-01 11:00 UTC"),
        ([span(0, 30, 2)], "no readings since 2026-03-01 11:30 UTC"),
        ([], "no readings for 1 h"),
    ],
)
def test_standing_is_said_in_words(laid, words):
    assert standing(rule(), laid, END, "mm/s").words == f"vibration below 4.5 mm/s for 1 h: {words}"


def band(second: float, low: float, high: float | None = None, n: int = 1) -> Band:
    at = END + timedelta(seconds=second)
    return Band(at, low, low, low if high is None else high, n)


def test_reading_holds_up_to_the_next_unless_a_gap_follows():
    until = END + timedelta(seconds=100)
    found = held([band(0, 1), band(20, 2), band(60, 3), band(90, 4)], until, TEN)
    assert [((each.to_at - each.from_at).total_seconds(), each.lowest) for each in found] == [
        (20, 1), (0, 2), (30, 3), (10, 4)
    ]  # fmt: skip


def test_minute_lasts_before_a_gap_and_one_without_a_good_reading_says_nothing():
    minute = timedelta(minutes=1)
    found = held([band(0, 1, 5), band(60, 9, n=0), band(600, 2)], END + timedelta(minutes=11), TEN, minute)
    assert [((each.to_at - each.from_at).total_seconds(), each.highest) for each in found] == [(60, 5), (60, 2)]
