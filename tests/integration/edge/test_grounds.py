"""Why an alarm was raised stays told as it was then: the version of the rule, its limit, and the clause in words."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from edge_bridge.alarms.cloud import Finding, raise_alarm
from edge_bridge.api import alarm_snapshot
from edge_bridge.catalogue import actions
from edge_bridge.catalogue.access import get_rule
from edge_bridge.models import Alarm, KeptRule
from edge_bridge.protocol import Lane, Severity
from tenants.actions import register_equipment
from tenants.models import FeedEvent
from tests.events import misfit
from tests.integration.edge.scenes import cleared, gateway, raised, the_alarm
from tests.integration.tenants.read_scenes import share
from tests.personas import Organisation

FACE = {
    "code": "GAS-T0-01",
    "alarm_type": "ch4_limit.hi_hi",
    "rule": "CH4 GAS-T0-01 (unverified template)",
    "limit": 1.5,
}
WORDS = "ch4 reaches 1 % in 9 min (7 min to 12 min), 30 USC 863 (i)"
SAID = ("clause", "clause_words", "clause_status", "clause_source")
OF_THE_FACE = (
    "AQ 1029, table",
    "CH4, coal face T1 and upper corner T0 (CN): cut power",
    "unverified",
    "a copy by a third party, not held against the instrument",
)


def face_rule(owner: Organisation) -> KeptRule:
    """In force, from the template of the limits at a coal face."""
    sensor = actions.Sensor("GAS-T0-01", "CH4")
    with owner.acting():
        (rule,) = actions.make_rules_from_template(site=owner.sites["north"], key="ch4-cn-face", sensors=[sensor])
        return actions.enable_rule(rule=rule, reason="by the book")


def with_own_limit(owner: Organisation, rule: KeptRule, limit: float) -> KeptRule:
    """A newer version in force, which no longer is what the instrument says."""
    with owner.acting():
        settings = rule.newest.settings | {"hi_hi": {"value": limit, "severity": "critical"}}
        changed = actions.change_rule(rule=get_rule(rule.pk), settings=settings)
        return actions.enable_rule(rule=changed, reason="the owner is stricter")


def grounds(owner: Organisation) -> tuple[object, ...]:
    alarm = the_alarm(owner)
    return alarm.rule_version, *(getattr(alarm, name) for name in SAID)


def test_alarm_names_the_clause_in_words_with_its_status_and_source(aurora):
    face_rule(aurora)
    gateway(aurora).say(Lane.P0, raised(1.6, **FACE))
    assert grounds(aurora) == (1, *OF_THE_FACE)
    (listed,) = aurora.client().get("/api/v1/alarms").json()["results"]
    assert tuple(listed[name] for name in SAID) == OF_THE_FACE
    assert (listed["rule"], listed["rule_version"], listed["limit"]) == (FACE["rule"], 1, 1.5)
    with aurora.acting():
        body = FeedEvent.objects.get(kind="alarm.raised").body
    assert tuple(body[name] for name in SAID) == OF_THE_FACE
    assert (body["rule"], body["rule_version"], body["limit"]) == (FACE["rule"], 1, 1.5)
    lines = aurora.client().get("/api/v1/alarms.csv").content.decode("utf-8-sig").splitlines()
    assert '1,"AQ 1029, table"' in lines[1]


def test_alarm_keeps_its_version_after_the_rule_was_changed_and_retired(aurora):
    rule, edge = face_rule(aurora), gateway(aurora)
    edge.say(Lane.P0, raised(1.6, **FACE))
    with_own_limit(aurora, rule, 1.2)
    edge.say(Lane.P0, raised(1.7, **FACE))
    assert grounds(aurora) == (1, *OF_THE_FACE), "its gateway still judges by the limit of the first version"
    with aurora.acting():
        actions.retire_rule(rule=get_rule(rule.pk), reason="the face is closed")
    edge.say(Lane.P0, cleared(0.4, **FACE))
    assert grounds(aurora) == (1, *OF_THE_FACE)


def test_alarm_that_comes_back_by_another_version_names_that_one(aurora):
    rule, edge = face_rule(aurora), gateway(aurora)
    edge.say(Lane.P0, raised(1.6, **FACE), cleared(0.4, **FACE))
    with_own_limit(aurora, rule, 1.2)
    edge.say(Lane.P0, raised(1.3, **FACE | {"limit": 1.2, "rule": "CH4 GAS-T0-01"}))
    assert grounds(aurora) == (2, "", "", "", "")


def test_alarm_that_stands_follows_the_limit_by_which_it_is_told(aurora):
    rule, edge = face_rule(aurora), gateway(aurora)
    edge.say(Lane.P0, raised(1.6, **FACE))
    with_own_limit(aurora, rule, 1.2)
    edge.say(Lane.P0, raised(1.6, **FACE | {"limit": 1.2, "rule": "CH4 GAS-T0-01"}))
    assert grounds(aurora) == (2, "", "", "", ""), "the limit beside it is no longer the clause's"


def test_version_in_force_when_it_was_raised_counts_for_what_comes_late(aurora):
    rule = face_rule(aurora)
    first_at = datetime.now(UTC)
    with_own_limit(aurora, rule, 1.2)
    with_own_limit(aurora, rule, 1.5)
    gateway(aurora).say(Lane.P0, raised(1.6, **FACE, occurred_at=first_at, historical=True))
    assert grounds(aurora)[0] == 1
    later = raised(1.6, **FACE | {"code": "PUMP-07"})
    gateway(aurora).say(Lane.P0, later)
    with aurora.acting():
        assert Alarm.objects.get(equipment__code="PUMP-07").rule_version is None, "no rule guards the pump"


VOTE = {
    "kind": "vote",
    "equipment": "FAN-01",
    "tag": "CH4",
    "alarm_type": "methane.vote",
    "severity": "critical",
    "limit": 1.0,
    "k": 2,
    "inputs": [{"equipment": code, "tag": "CH4"} for code in ("GAS-T0-01", "PUMP-07", "TRUCK-07")],
}
BY_VOTE = {"alarm_type": "methane.vote", "rule": "two of three", "limit": 1.0}


def test_alarm_over_several_sensors_names_the_version_wherever_it_stands(aurora):
    with aurora.acting():
        rule = actions.make_rule(site=aurora.sites["north"], name="two of three", settings=VOTE)
        actions.enable_rule(rule=rule, reason="the owner knows the sensors")
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(1.2, code="FAN-01", **BY_VOTE))
    assert grounds(aurora)[0] == 1
    with aurora.acting():
        actions.change_rule(rule=get_rule(rule.pk), settings=VOTE | {"limit": 0.8})
        actions.enable_rule(rule=get_rule(rule.pk), reason="the owner is stricter")
    edge.say(Lane.P0, raised(1.2, code="FAN-01", **BY_VOTE | {"limit": 0.8}))
    assert grounds(aurora)[0] == 2


def test_rule_over_several_sensors_is_not_that_of_an_alarm_elsewhere(aurora):
    with aurora.acting():
        rule = actions.make_rule(site=aurora.sites["north"], name="two of three", settings=VOTE)
        actions.enable_rule(rule=rule, reason="the owner knows the sensors")
        register_equipment(site=aurora.sites["north"], code="FAN-02", name="FAN-02", kind="fan")
    gateway(aurora).say(Lane.P0, raised(1.2, code="FAN-02", **BY_VOTE))
    assert grounds(aurora)[0] is None


def test_rule_of_the_gateway_itself_has_no_version_and_no_clause(aurora):
    face_rule(aurora)
    gateway(aurora).say(Lane.P0, raised())
    assert grounds(aurora) == (None, "", "", "", "")


def test_partner_from_whom_the_rule_is_hidden_reads_no_clause_either(aurora, borealis, delta):
    share(aurora, borealis, "view_alarms", field_mask=["rule"])
    share(aurora, delta, "view_alarms", field_mask=["limit"])
    face_rule(aurora)
    gateway(aurora).say(Lane.P0, raised(1.6, **FACE))
    for partner, hidden in ((borealis, {"rule_version", *SAID}), (delta, {"clause_words"})):
        (listed,) = partner.client().get("/api/v1/alarms?shared=true").json()["results"]
        assert {name for name in ("rule_version", *SAID) if listed[name] is None} == hidden
        with partner.acting():
            body = FeedEvent.objects.get(kind="alarm.raised").body
        assert hidden <= set(body["masked"]) and hidden.isdisjoint(body)


def test_words_of_a_warning_are_told_wherever_the_alarm_is(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(0.6, severity="high", detail=WORDS))
    client = aurora.client()
    (listed,) = client.get("/api/v1/alarms").json()["results"]
    one = client.get(f"/api/v1/alarms/{listed['id']}").json()
    (of_state,) = client.get("/api/v1/feed/snapshot").json()["snapshot"]["alarms"]["items"]
    with aurora.acting():
        body = FeedEvent.objects.get(kind="alarm.raised").body
        evidence = alarm_snapshot(Alarm.objects.select_related("equipment", "site").get())["alarm"]
    assert {told["detail"] for told in (listed, one, of_state, body, evidence)} == {WORDS}
    assert f'"{WORDS}"' in client.get("/api/v1/alarms.csv").content.decode("utf-8-sig").splitlines()[1]


def test_words_keep_step_with_the_value(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(0.6, severity="high", detail=WORDS))
    edge.say(Lane.P0, raised(0.7, severity="high", detail="ch4 reaches 1 % in 4 min"))
    assert the_alarm(aurora).detail == "ch4 reaches 1 % in 4 min"
    edge.say(Lane.P0, cleared(0.4, severity="high"))
    assert the_alarm(aurora).detail == ""
    edge.say(Lane.P0, raised(0.6, severity="critical", detail=WORDS))
    assert the_alarm(aurora).detail == WORDS


def test_words_of_an_alarm_of_the_cloud_are_as_long_as_those_of_a_gateway_may_be(aurora):
    finding = Finding("test", Severity.HIGH, "seconds", 2.0, 1.0, "test", detail="first " * 100)
    place = {"tenant_id": aurora.id, "site_id": aurora.sites["north"].pk, "now": datetime.now(UTC)}
    with aurora.acting():
        raise_alarm(finding, **place)
        assert Alarm.objects.get().detail == finding.detail[:500]
        raise_alarm(replace(finding, detail="and again"), **place)
        assert Alarm.objects.get().detail == "and again"


@pytest.mark.parametrize("hidden", ["tag", "value", "limit", "rule"])
def test_partner_from_whom_anything_of_the_words_is_hidden_reads_none_of_them(aurora, borealis, hidden):
    share(aurora, borealis, "view_alarms", "acknowledge_alarms", field_mask=[hidden])
    gateway(aurora).say(Lane.P0, raised(0.6, detail=WORDS))
    client = borealis.client()
    (listed,) = client.get("/api/v1/alarms?shared=true").json()["results"]
    client.post(f"/api/v1/alarms/{listed['id']}/acknowledge", {"comment": "on my way"}, "json")
    one = client.get(f"/api/v1/alarms/{listed['id']}").json()
    assert listed["detail"] is None and [each["comment"] for each in one["changes"]] == ["on my way", None]
    with borealis.acting():
        body = FeedEvent.objects.get(kind="alarm.raised").body
    assert "detail" in body["masked"] and "detail" not in body
    told = [client.get(f"/api/v1/{path}").content for path in ("alarms.csv?shared=true", "feed/snapshot")]
    assert not any(b"reaches" in each for each in told)


def test_partner_who_sees_the_value_reads_the_words(aurora, borealis):
    share(aurora, borealis, "view_alarms")
    gateway(aurora).say(Lane.P0, raised(0.6, detail=WORDS))
    client = borealis.client()
    (listed,) = client.get("/api/v1/alarms?shared=true").json()["results"]
    one = client.get(f"/api/v1/alarms/{listed['id']}").json()
    assert listed["detail"] == one["changes"][0]["comment"] == WORDS


def test_alarm_of_the_snapshot_names_what_the_clause_hides_as_its_event_does(aurora, borealis):
    share(aurora, borealis, "view_alarms", field_mask=["value", "rule", "name", "assigned_to", "escalated_to"])
    gateway(aurora).say(Lane.P0, raised(detail=WORDS))
    (of_state,) = borealis.client().get("/api/v1/feed/snapshot").json()["snapshot"]["alarms"]["items"]
    with borealis.acting():
        event = FeedEvent.objects.get(kind="alarm.raised").body
    assert misfit("alarm.raised", of_state) == [] and of_state == event
    assert {"value", "rule", "clause", "detail", "site_name", "assigned_to"} <= set(of_state["masked"])
    (own,) = aurora.client().get("/api/v1/feed/snapshot").json()["snapshot"]["alarms"]["items"]
    assert "masked" not in own and own["detail"] == WORDS


def test_words_of_other_inputs_are_not_for_who_was_opened_one_machine_alone(aurora, borealis, delta):
    share(aurora, borealis, "view_alarms", equipment="FAN-01")
    share(aurora, delta, "view_alarms")
    of_others, of_itself = "2 of 3 at or above 1; in conflict: input 2 shows 0.2", "2 of 3 at or above 1"
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(1.2, code="FAN-01", **BY_VOTE, detail=of_others))
    edge.say(Lane.P0, raised(1.3, code="FAN-01", **BY_VOTE, detail=of_itself))
    for partner, told in ((borealis, [of_itself, None]), (delta, [of_itself, of_others])):
        (alarm,) = partner.client().get("/api/v1/alarms?shared=true").json()["results"]
        one = partner.client().get(f"/api/v1/alarms/{alarm['id']}").json()
        assert alarm["detail"] == of_itself and [each["comment"] for each in one["changes"]] == told
        with partner.acting():
            bodies = [event.body for event in FeedEvent.objects.filter(kind__startswith="alarm.").order_by("-seq")]
        assert [body.get("detail") for body in bodies] == told
    edge.say(Lane.P0, raised(1.4, code="FAN-01", **BY_VOTE, detail=of_others))
    for partner, told in ((borealis, None), (delta, of_others)):
        (alarm,) = partner.client().get("/api/v1/alarms?shared=true").json()["results"]
        (of_state,) = partner.client().get("/api/v1/feed/snapshot").json()["snapshot"]["alarms"]["items"]
        assert alarm["detail"] == of_state.get("detail") == told
        assert alarm["masked"] == of_state.get("masked", []) == ([] if told else ["detail"])
        assert misfit("alarm.raised", of_state) == [] and ("detail" in of_state) == (told is not None)
    share(aurora, borealis, "view_alarms")
    (alarm,) = borealis.client().get("/api/v1/alarms?shared=true").json()["results"]
    assert alarm["detail"] == of_others
