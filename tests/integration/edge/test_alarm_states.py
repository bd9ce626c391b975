"""Alarms that are suppressed while their machine is in a state, and those that no state may silence."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError

from edge_bridge.alarms import policies
from edge_bridge.alarms.data import MAINTENANCE, NOT_RUNNING, words_of
from edge_bridge.alarms.sweeps import sweep_alarms, sweep_of
from edge_bridge.catalogue import actions as catalogue
from edge_bridge.models import Alarm, AlarmChange, SuppressionRule
from edge_bridge.protocol import Lane
from edge_bridge.protocol.machine import MachineState
from tenants.data import Conflict, Forbidden, Invalid, NotFound
from tenants.models import Equipment, LedgerEntry
from tests.integration.edge.rules import kept
from tests.integration.edge.scenes import cleared, gateway, history, opened, raised, reading, told
from tests.together import at_once

PUMP = "PUMP-07"
SHAKES = {"code": PUMP, "alarm_type": "shakes", "tag": "vibration", "rule": "pump shakes", "severity": "high"}
REASON = "it shakes as it runs down"


def rule_on_the_pump(owner):
    levels = {"equipment": PUMP, "tag": "vibration", "alarm_type": "shakes", "hi": {"value": 7.0, "severity": "high"}}
    return kept(owner, "pump shakes", **levels)


def suppress(owner, *states: str, role: str = "manager", **what):
    with owner.acting(role):
        site = owner.sites["north"]
        return policies.suppress_in_states(site=site, states=states or (NOT_RUNNING,), reason=REASON, **what)


def running(edge, value: float, **more) -> None:
    edge.say(Lane.P2, reading(value, code=PUMP, tag="running", **more))


def state_of(owner, alarm_type: str = "shakes") -> str:
    with owner.acting():
        return str(Alarm.objects.filter(tenant=owner.id, alarm_type=alarm_type).latest("pk").state)


def after(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize("by", ["rule", "tag", "tag of the machine"])
def test_alarm_is_suppressed_and_returned_as_its_machine_stops_and_starts(aurora, by):
    edge = gateway(aurora)
    what = {"rule": rule_on_the_pump(aurora)} if by == "rule" else {"tag": "vibration"}
    suppress(aurora, **what, **({"equipment": aurora.equipment[PUMP]} if by == "tag of the machine" else {}))
    running(edge, 1.0)
    edge.say(Lane.P0, raised(**SHAKES))
    assert state_of(aurora) == "UNACK"
    running(edge, 0.0)
    assert state_of(aurora) == "DSUPR"
    running(edge, 1.0)
    assert state_of(aurora) == "UNACK"
    running(edge, 0.0)
    edge.say(Lane.P0, cleared(**SHAKES))
    running(edge, 1.0)
    assert state_of(aurora) == "NORM"
    steps = ["raised", "suppressed", "returned_standing", "suppressed", "cleared", "returned_normal"]
    assert [event for event, _, _ in history(aurora)] == steps
    kinds = [
        "alarm.raised",
        "alarm.suppressed",
        "alarm.returned",
        "alarm.suppressed",
        "alarm.cleared",
        "alarm.returned",
    ]
    assert [kind for kind, _ in told(aurora)] == kinds
    with aurora.acting():
        said = [row.comment for row in AlarmChange.objects.filter(event="suppressed")]
    assert said == [f"the machine is not_running: {REASON}"] * 2


def test_alarm_that_comes_while_its_machine_stands_calls_nobody(aurora):
    edge = gateway(aurora)
    suppress(aurora, tag="vibration")
    running(edge, 0.0)
    edge.say(Lane.P0, raised(**SHAKES), raised(code="TRUCK-07", tag="vibration", alarm_type="truck shakes"))
    assert (state_of(aurora), state_of(aurora, "truck shakes")) == ("DSUPR", "UNACK")
    assert told(aurora)[0] == ("alarm.raised", "DSUPR")


def test_states_of_a_vehicle_are_named_one_by_one(aurora):
    edge = gateway(aurora)
    suppress(aurora, "refuelling", MAINTENANCE, tag="fuel")
    edge.say(Lane.P0, raised(code="TRUCK-07", tag="fuel", alarm_type="fuel.lo", severity="low"))
    for state, shown in ((2, "UNACK"), (5, "DSUPR"), (15, "DSUPR"), (13, "UNACK"), (16, "DSUPR")):
        edge.say(Lane.P2, reading(state, code="TRUCK-07", tag="state"))
        assert state_of(aurora, "fuel.lo") == shown, MachineState(state)


def test_state_that_nobody_told_for_long_silences_nothing(aurora):
    edge = gateway(aurora)
    suppress(aurora, tag="vibration")
    running(edge, 0.0, ago_s=580)
    edge.say(Lane.P0, raised(**SHAKES))
    assert state_of(aurora) == "DSUPR"
    with aurora.acting():
        assert sweep_of(aurora.id, after(5)) == 0
        assert sweep_of(aurora.id, after(60)) == 1
    assert state_of(aurora) == "UNACK"


def test_state_with_a_time_that_has_not_come_silences_nothing_and_the_next_one_takes_its_place(aurora):
    edge = gateway(aurora)
    suppress(aurora, tag="vibration")
    running(edge, 0.0, ago_s=-3600)
    edge.say(Lane.P0, raised(**SHAKES))
    assert state_of(aurora) == "UNACK"
    running(edge, 0.0)
    assert state_of(aurora) == "DSUPR"
    running(edge, 1.0)
    assert state_of(aurora) == "UNACK"


def test_state_that_was_told_an_hour_ahead_silences_nothing_when_its_time_comes(aurora):
    edge = gateway(aurora)
    suppress(aurora, tag="vibration")
    running(edge, 0.0, ago_s=-3600)
    edge.say(Lane.P0, raised(**SHAKES))
    with aurora.acting():
        sweep_of(aurora.id, after(3660))
    assert state_of(aurora) == "UNACK"


def test_machine_entered_as_out_of_service_is_in_maintenance_for_the_sweep_of_all(aurora, cassia):
    edge = gateway(aurora)
    suppress(aurora, MAINTENANCE, tag="vibration")
    edge.say(Lane.P0, raised(**SHAKES))
    with aurora.acting():
        Equipment.objects.filter(pk=aurora.equipment[PUMP].pk).update(status="out_of_service")
    sweep_alarms(after(0))
    assert state_of(aurora) == "DSUPR"
    sweep_alarms(after(0))
    assert [event for event, _, _ in history(aurora)] == ["raised", "suppressed"]
    assert told(cassia) == []


@pytest.mark.parametrize("tag", ["CH4", "methane", "ch4_2", "co", "O2", "respirable dust"])
def test_hazard_to_people_is_refused_with_words(aurora, tag):
    with pytest.raises(Invalid, match="No state of a machine") as refused:
        suppress(aurora, tag=tag)
    assert "hazard to people" in refused.value.errors[0].message and refused.value.errors[0].pointer == "/tag"


def test_rule_that_is_marked_safety_is_refused_and_what_silenced_it_before_ends(aurora):
    rule, edge = rule_on_the_pump(aurora), gateway(aurora)
    suppress(aurora, tag="vibration")
    running(edge, 0.0)
    edge.say(Lane.P0, raised(**SHAKES))
    assert state_of(aurora) == "DSUPR"
    with aurora.acting("manager"):
        catalogue.set_calls(rule=rule, is_safety=True, re_alarm_s=None, reason="a man was hurt there")
    assert state_of(aurora) == "UNACK"
    with pytest.raises(Invalid) as refused:
        suppress(aurora, rule=catalogue_rule(aurora, rule))
    assert "marked safety" in refused.value.errors[0].message
    with aurora.acting():
        assert '"is_safety":true' in LedgerEntry.objects.get(tenant=aurora.id, kind="rule.calls_set").payload


def test_alarm_that_another_one_silences_returns_at_once_as_its_rule_is_marked_safety(aurora):
    edge, rule = gateway(aurora), rule_on_the_pump(aurora)
    with aurora.acting("manager"):
        policies.make_suppression(site=aurora.sites["north"], cause="power_failed", effect="shakes", reason=REASON)
    edge.say(Lane.P0, raised(alarm_type="power_failed"), raised(**SHAKES))
    assert state_of(aurora) == "DSUPR"
    with aurora.acting("manager"):
        catalogue.set_calls(rule=rule, is_safety=True, re_alarm_s=None, reason="a man was hurt there")
    assert state_of(aurora) == "UNACK"


def catalogue_rule(owner, rule):
    with owner.acting():
        return catalogue.get_rule(rule.pk)


def test_mandated_limit_is_safety_from_its_making_and_stays_so(aurora):
    methane = kept(aurora)
    with aurora.acting():
        sensor = catalogue.Sensor("GAS-T0-01", "gas")
        (limit,) = catalogue.make_rules_from_template(
            site=aurora.sites["north"], key="co-cn-workings", sensors=[sensor]
        )
    for rule in (methane, limit):
        assert catalogue_rule(aurora, rule).is_safety
        with aurora.acting("manager"), pytest.raises(Conflict, match="stays marked"):
            catalogue.set_calls(rule=rule, is_safety=False, re_alarm_s=None, reason="too loud")
    harmless = rule_on_the_pump(aurora)
    with aurora.acting():
        changed = catalogue.change_rule(rule=harmless, settings={**harmless.newest.settings, "tag": "h2s"})
    assert changed.is_safety


def test_alarm_by_a_template_is_not_silenced_by_its_tag(aurora):
    edge = gateway(aurora)
    suppress(aurora, tag="vibration")
    running(edge, 0.0)
    edge.say(Lane.P0, raised(**{**SHAKES, "rule": "shaft limit (unverified template)"}))
    assert state_of(aurora) == "UNACK"


def test_rule_that_ends_returns_what_it_suppressed(aurora):
    edge = gateway(aurora)
    rule = suppress(aurora, tag="vibration")
    running(edge, 0.0)
    edge.say(Lane.P0, raised(**SHAKES))
    with pytest.raises(Conflict, match="such a rule"):
        suppress(aurora, MAINTENANCE, tag="vibration")
    with aurora.acting("manager"):
        policies.end_suppression(rule=rule)
    assert state_of(aurora) == "UNACK"


@pytest.mark.parametrize(
    "what",
    [{}, {"states": ("asleep",), "tag": "vibration"}, {"states": (), "tag": "vibration"}],
)
def test_rule_that_names_no_alarms_or_no_state_is_refused(aurora, what):
    said = {"site": aurora.sites["north"], "states": (NOT_RUNNING,), "reason": REASON, **what}
    with aurora.acting("manager"), pytest.raises(Invalid):
        policies.suppress_in_states(**said)


def test_nobody_but_a_manager_of_the_owner_makes_one(aurora, borealis):
    opened(aurora, borealis, "view_alarms", "acknowledge_alarms")
    with pytest.raises(Forbidden):
        suppress(aurora, tag="vibration", role="operator")
    with borealis.acting(), pytest.raises(NotFound):
        policies.suppress_in_states(site=aurora.sites["north"], states=[NOT_RUNNING], reason=REASON, tag="vibration")
    with aurora.acting("manager"), pytest.raises(NotFound):
        elsewhere = aurora.equipment[PUMP]
        site = aurora.sites["north-mill"]
        policies.suppress_in_states(site=site, states=[MAINTENANCE], reason=REASON, tag="x", equipment=elsewhere)


@pytest.mark.parametrize("values", [{"states": []}, {"cause": "x"}, {"tag": ""}])
def test_row_that_is_neither_by_cause_nor_by_states_is_refused(aurora, values):
    rule = suppress(aurora, tag="vibration")
    with pytest.raises(IntegrityError, match="suppression_by_cause_or_states"), aurora.acting():
        SuppressionRule.objects.filter(pk=rule.pk).update(**values)


def test_machine_that_stops_while_its_alarm_comes_leaves_it_suppressed(aurora):
    edges = [gateway(aurora) for _ in range(2)]
    suppress(aurora, tag="vibration")
    for _ in range(4):
        running(edges[0], 1.0)
        at_once(partial(running, edges[0], 0.0), partial(edges[1].say, Lane.P0, raised(**SHAKES)))
        assert state_of(aurora) == "DSUPR"
        edges[1].say(Lane.P0, cleared(**SHAKES))


def test_words_of_a_machine_follow_its_tags_and_its_entry():
    assert words_of(None, None, True) == frozenset()
    assert words_of(None, 0.0, True) == {NOT_RUNNING}
    assert words_of(None, 1.0, False) == {MAINTENANCE}
    assert words_of(2.0, None, True) == {"hauling"}
    assert words_of(14.0, None, True) == {"stopped", NOT_RUNNING}
    assert words_of(15.0, 1.0, True) == {"service", NOT_RUNNING, MAINTENANCE}
    assert words_of(99.0, None, True) == words_of(2.5, None, True) == frozenset()


def test_rules_of_states_over_http(aurora):
    client = aurora.client()
    address, site = "/api/v1/alarm-suppressions", str(aurora.sites["north"].pk)
    said = {"site": site, "states": ["not_running"], "tag": "vibration", "reason": REASON}
    made = client.post(address, said, format="json")
    assert made.status_code == 201, made.data
    assert (made.data["states"], made.data["tag"], made.data["cause"]) == (["not_running"], "vibration", "")
    for wrong in ({"tag": "ch4"}, {"cause": "a", "effect": "b"}, {"states": []}, {"states": ["asleep"]}):
        assert client.post(address, {**said, **wrong}, format="json").status_code in (400, 422), wrong
    by_cause = {"site": site, "cause": "a", "effect": "b", "reason": REASON}
    assert client.post(address, by_cause, format="json").status_code == 201
    rule = rule_on_the_pump(aurora)
    calls = {"safety": False, "re_alarm_s": 600, "reason": "once in ten minutes"}
    answer = client.put(f"/api/v1/rules/{rule.pk}/calls", calls, format="json")
    assert (answer.status_code, answer.data["safety"], answer.data["re_alarm_s"]) == (200, False, 600)
    assert client.put(f"/api/v1/rules/{rule.pk}/calls", {**calls, "re_alarm_s": 5}, format="json").status_code == 422
