"""Templates as rules, and rules over readings that are stored."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_bridge.catalogue.data import EARLY_WARNING, UNVERIFIED, kinds, refuse_together, rule_of, table_of, templates
from edge_bridge.catalogue.trials import Trial, known_by_alarm, labels_of
from edge_bridge.protocol import Alarm, AlarmEvent, Quality, Reading
from edge_bridge.rules.digest import digest_of
from edge_bridge.rules.kinds import DETECTORS, DetectorRule, begin, judge, parse_rule
from edge_bridge.rules.thresholds import Rule, RuleError
from edge_bridge.rules.trend import TimeToLimit

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
END = START + timedelta(hours=1)
METHANE = {"kind": "limits", "equipment": "GAS-1", "tag": "ch4", "alarm_type": "methane"}
METHANE |= {"hi": {"value": 1.0, "severity": "high"}}


def ramp(every_s: int = 10) -> Iterator[Reading]:
    """0 % rising to 2 % within an hour: at 1 % after 30 minutes."""
    for at_s in range(0, 3600, every_s):
        yield Reading("GAS-1", "ch4", at_s / 1800, Quality.GOOD, START + timedelta(seconds=at_s))


def trial(settings: dict[str, object]) -> Trial:
    run = Trial(rule_of("methane", settings), START, END)
    run.take(ramp())
    return run


@pytest.mark.parametrize("key", templates())
def test_every_template_makes_a_rule_or_says_why_not(key: str) -> None:
    template = templates()[key]
    if template.over == "shift":
        with pytest.raises(RuleError, match="mean of a shift"):
            template.settings("GAS-1", "ch4")
        return
    rule = rule_of("from a template", template.settings("GAS-1", "ch4"))
    assert isinstance(rule, Rule)
    values = {level.is_high: limit.value for level, limit in rule.limits.items()}
    assert values.keys() == {template.side == "high"}
    assert {limit.value for limit in rule.limits.values()} == {template.alarm, template.action_limit}


@pytest.mark.parametrize("key", templates())
def test_every_limit_that_a_trend_may_reach_makes_an_early_warning_on_its_side(key: str) -> None:
    template = templates()[key]
    if template.over == "shift":
        assert template.kinds == ()
        with pytest.raises(RuleError, match="mean of a shift"):
            template.settings("GAS-1", "ch4", EARLY_WARNING)
        return
    assert template.kinds == ("limits", EARLY_WARNING)
    settings = template.settings("GAS-1", "ch4", EARLY_WARNING)
    rule = parse_rule(table_of("soon", settings, template.warning, template.reference))
    assert isinstance(rule, DetectorRule) and isinstance(rule.detector, TimeToLimit)
    assert (rule.detector.limit, rule.detector.is_high) == (template.alarm, template.side == "high")
    assert rule.detector.horizon_s == TimeToLimit(limit=1.0).horizon_s, "no constant of its own"
    alarm_type = template.settings("GAS-1", "ch4")["alarm_type"]
    assert alarm_type != rule.alarm_type, "the limit's alarm may stand beside it"


@pytest.mark.parametrize(("key", "marked"), [("ch4-cn-face", " (unverified template)"), ("o2-us-coal-minimum", "")])
def test_early_warning_names_the_clause_and_its_status_in_its_words(key: str, marked: str) -> None:
    template = templates()[key]
    settings = template.settings("GAS-1", "ch4", EARLY_WARNING)
    rule = parse_rule(table_of("soon", settings, template.warning, template.reference))
    assert rule.name == f"soon{marked}"
    state, said, towards = begin(rule), list[Alarm](), 1 if template.side == "high" else -1
    for n in range(60):
        at, value = START + timedelta(seconds=10 * n), template.alarm - towards * (0.6 - n / 200)
        state, alarms = judge(rule, state, Reading("GAS-1", "ch4", value, Quality.GOOD, at), at)
        said += alarms
    assert [alarm.event for alarm in said] == [AlarmEvent.RAISED] and said[0].limit == template.alarm
    assert "reaches" in said[0].detail and said[0].detail.endswith(f", {template.reference}{marked}")


def test_status_and_source_stand_beside_every_figure() -> None:
    for template in templates().values():
        assert template.source and template.reference
        assert (template.status == "verified") == (template.warning == "")
    assert templates()["ch4-cn-face"].warning == UNVERIFIED


def test_warning_goes_with_the_rules_name_to_the_alarm() -> None:
    table = table_of("n" * 40, METHANE, UNVERIFIED)
    assert parse_rule(table).name.endswith("(unverified template)")


def test_sensor_in_another_unit_is_not_held_against_a_template() -> None:
    template = templates()["co-cn-workings"]
    assert template.takes_unit("[ppm]") and template.takes_unit("")
    assert not template.takes_unit("%")


def test_settings_that_cannot_work_name_what_is_wrong() -> None:
    with pytest.raises(RuleError) as refusal:
        rule_of("methane", METHANE | {"hi": {"value": "1", "severity": "high"}})
    assert (refusal.value.path, refusal.value.message) == ("hi.value", "must be a number")


texts = st.sampled_from(["GAS-1", "high", "nonsense", "", "\ud800", "x" * 70])
numbers = st.integers(-2, 3) | st.sampled_from([0.5, float("nan"), float("inf"), 10**400])
leaves = st.none() | st.booleans() | numbers | texts
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2))
levels = st.fixed_dictionaries({"value": values, "severity": st.just("high") | values})
COMMON = {"equipment": "GAS-1", "tag": "ch4", "alarm_type": "methane", "severity": "high"}


def changed(kind: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    names = [each["name"] for each in kind["parameters"]] + ["inputs", "severity", "kind", "name"]
    changes = st.dictionaries(st.sampled_from(names), values | levels, max_size=4)
    return changes.map(lambda given: COMMON | {"kind": kind["kind"]} | given)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(kinds()).flatmap(changed))
def test_whatever_is_set_makes_a_rule_or_is_refused_by_its_name(said: dict[str, Any]) -> None:
    try:
        rule_of("methane", said)
    except RuleError as error:
        assert error.path and error.message


def test_rules_that_raise_the_same_alarm_are_refused_together() -> None:
    with pytest.raises(RuleError, match="raised by two rules"):
        refuse_together([table_of("one", METHANE), table_of("two", METHANE)])


def test_digest_is_of_what_the_rules_say_and_not_of_their_order() -> None:
    one, two = table_of("one", METHANE), table_of("two", METHANE)
    assert digest_of([one, two]) == digest_of([two, dict(reversed(one.items()))]) != digest_of([one])


def test_form_names_every_kind_with_what_it_needs() -> None:
    forms = {form["kind"]: form for form in kinds()}
    assert forms.keys() == DETECTORS.keys()
    needed = [each["name"] for each in forms["time_to_limit"]["parameters"] if each["needed"]]
    assert needed == ["limit"]
    assert {each["type"] for each in forms["limits"]["parameters"]} == {"level", "number"}


def test_backtest_counts_hits_misses_false_alarms_and_the_lead() -> None:
    known = [
        known_by_alarm("evacuate", START + timedelta(minutes=40), lead_s=900),
        *labels_of(
            [
                {"start": "2026-03-01T06:00:00Z", "end": "2026-03-01T06:10:00Z", "due": "2026-03-01T06:10:00Z"}
                | {"words": "fan off"}
            ]
        ),
    ]
    found = trial(METHANE).result(known)
    assert (found["hits"], found["misses"], found["n_alarms"], found["false_alarms"]) == (1, 1, 1, 0)
    assert found["lead_s"] == 600
    assert [each["found"] for each in found["known"]] == [True, False]
    assert trial(METHANE).result([])["false_alarms_per_week"] == pytest.approx(7 * 24 * 3600 / 3590)


def test_trend_is_found_in_stored_readings_as_at_the_gateway() -> None:
    soon = {"kind": "time_to_limit", "equipment": "GAS-1", "tag": "ch4", "alarm_type": "soon", "severity": "high"}
    found = trial(soon | {"limit": 1.0}).result([known_by_alarm("methane.hi", START + timedelta(minutes=30), 1200)])
    assert found["hits"] == 1 and found["lead_s"] == pytest.approx(900, abs=60)


def test_chart_keeps_the_extremes() -> None:
    run = Trial(rule_of("methane", METHANE), START, END)
    run.take(ramp(every_s=1))
    spans = run.result([])["chart"]
    assert len(spans) == 400
    assert spans[0] == [START.isoformat(), 0.0, pytest.approx(8 / 1800)]
    assert spans[-1][2] == pytest.approx(3599 / 1800)


def test_silence_between_readings_counts() -> None:
    silent = {"kind": "silence", "equipment": "GAS-1", "tag": "ch4", "alarm_type": "silent", "severity": "low"}
    run = Trial(rule_of("silent", silent | {"for_s": 60}), START, END)
    run.take([next(ramp()), Reading("GAS-1", "ch4", 0.0, Quality.GOOD, START + timedelta(minutes=5))])
    assert run.result([])["n_alarms"] == 1
