"""By which rules a sensor is judged, as whoever watches the place sees it: also what was switched off there."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from edge_bridge.catalogue import actions
from edge_bridge.catalogue.access import get_rule
from edge_bridge.models import Guard
from edge_bridge.protocol import Lane
from tenants.agreements.mandates import lay_mandate
from tenants.context import as_platform
from tenants.models import FeedEvent, LedgerEntry
from tests.integration.edge.rules import kept
from tests.integration.edge.scenes import gateway, raised, reading
from tests.integration.edge.test_watching import mines
from tests.integration.tenants.read_scenes import share

TWIN = {
    "kind": "twin",
    "equipment": "GAS-T0-01",
    "tag": "CH4",
    "alarm_type": "ch4.twin",
    "severity": "high",
    "tolerance": 0.2,
    "inputs": [{"equipment": "GAS-T0-01", "tag": "CH4"}, {"equipment": "FAN-01", "tag": "CH4"}],
}


def mandate(owner, regulator, *permissions):
    window = (datetime.now(UTC) - timedelta(seconds=1), None)
    clause = {"site": owner.sites["north"], "permissions": list(permissions), "during": window}
    with as_platform("tests", "lay a mandate"):
        return lay_mandate(
            owner=owner.tenant,
            regulator=regulator.tenant,
            title="Inspection",
            statute="Mine Safety Act",
            purpose="safety",
            clauses=[clause],
        )


def in_force(owner, **settings):
    rule = kept(owner, **settings)
    with owner.acting():
        return actions.enable_rule(rule=rule, reason="the owner knows the sensor")


def switched_off(owner, rule, reason="it is being replaced"):
    with owner.acting():
        actions.disable_rule(rule=get_rule(rule.pk), reason=reason)


def sensor(supervisor) -> dict:
    return next(each for each in mines(supervisor)[0]["sensors"] if each["equipment_code"] == "GAS-T0-01")


def test_supervisor_sees_the_limits_in_force_of_a_sensor_that_never_alarmed(aurora, delta, borealis):
    share(aurora, delta, "view_telemetry", "view_alarms")
    share(aurora, borealis, "view_telemetry")
    gateway(aurora).say(Lane.P2, reading(0.4, code="GAS-T0-01", tag="CH4"))
    assert sensor(delta)["limits"] == {}
    in_force(aurora)
    told = sensor(delta)
    assert told["limits"] == {"methane.hi": 1.0} and told["switched_off"] == []
    (guard,) = told["guards"]
    assert (guard["rule"], guard["version"], guard["limit"]) == ("Methane of the upper corner", 1, 1.0)
    assert guard["is_safety"] and guard["begun_by"] == "Aurora owner" and guard["ended_at"] is None
    assert sensor(borealis)["guards"] == [], "its alarms are not open"


def test_rule_that_was_switched_off_stays_told_with_when_by_whom_and_why(aurora, delta):
    share(aurora, delta, "view_telemetry", "view_alarms")
    edge, rule = gateway(aurora), in_force(aurora)
    edge.say(Lane.P2, reading(0.4, code="GAS-T0-01", tag="CH4"))
    edge.say(Lane.P1, raised(alarm_type="methane.hi"))
    switched_off(aurora, rule)
    told = sensor(delta)
    assert told["guards"] == [] and told["limits"] == {}, "the alarm's limit is no longer in force"
    (guard,) = told["switched_off"]
    assert (guard["alarm_type"], guard["ended_by"]) == ("methane.hi", "Aurora owner") and guard["ended_at"]
    assert guard["end_reason"] == "it is being replaced"
    with aurora.acting():
        actions.change_rule(
            rule=get_rule(rule.pk), settings=rule.newest.settings | {"hi": {"value": 1.2, "severity": "high"}}
        )
    with aurora.acting():
        actions.enable_rule(rule=get_rule(rule.pk), reason="known")
    told = sensor(delta)
    assert told["limits"] == {"methane.hi": 1.2} and told["switched_off"] == []


def test_version_that_takes_the_place_of_another_ends_its_limits(aurora):
    rule = in_force(aurora)
    with aurora.acting():
        actions.change_rule(rule=rule, settings=rule.newest.settings | {"hi": {"value": 1.2, "severity": "high"}})
        actions.enable_rule(rule=get_rule(rule.pk), reason="known")
        rows = Guard.objects.order_by("began_at").own().values_list("limit", "end_reason")
        assert list(rows) == [(1.0, "version 2 took its place"), (1.2, "")]


def test_switching_off_a_rule_of_safety_is_on_the_supervisors_feed_and_ledger(aurora, delta, borealis):
    mandate(aurora, delta, "view_telemetry", "view_alarms")
    share(aurora, borealis, "view_telemetry", "view_alarms")
    rule = in_force(aurora)
    other = in_force(aurora, name="Speed of the fan", equipment="FAN-01", tag="speed", alarm_type="speed")
    switched_off(aurora, rule)
    switched_off(aurora, other)
    for party, kinds in ((delta, ["rule.enabled", "rule.disabled"]), (borealis, [])):
        with party.acting():
            events = FeedEvent.objects.filter(kind__startswith="rule.").order_by("seq")
            assert [event.kind for event in events] == kinds, "no other rule, and nobody without a mandate"
            entries = LedgerEntry.objects.filter(tenant=party.id, kind__startswith="rule.").order_by("seq")
            assert [(entry.kind, entry.by_id) for entry in entries] == [(kind, aurora.id) for kind in kinds]
    with delta.acting():
        body = FeedEvent.objects.get(kind="rule.disabled").body
        assert (body["rule"], body["reason"]) == (str(rule.pk), "it is being replaced")


def test_rule_over_several_sensors_guards_each_of_them(aurora):
    with aurora.acting():
        rule = actions.make_rule(site=aurora.sites["north"], name="Twins", settings=TWIN)
    with aurora.acting():
        actions.enable_rule(rule=rule, reason="known")
        rows = Guard.objects.select_related("equipment").order_by("equipment__code")
        assert [(row.equipment.code, row.tag, row.limit, row.kind) for row in rows] == [
            ("FAN-01", "CH4", 0.2, "twin"),
            ("GAS-T0-01", "CH4", 0.2, "twin"),
        ]


def test_what_was_switched_off_can_be_neither_changed_nor_removed(aurora):
    rule = in_force(aurora)
    switched_off(aurora, rule)
    with aurora.acting():
        with pytest.raises(DatabaseError, match="stays told as it was"), transaction.atomic():
            Guard.objects.update(end_reason="an accident")
        assert Guard.objects.filter(kept_rule=rule.pk)._raw_delete(using="default") == 0
        assert Guard.objects.get().end_reason == "it is being replaced"
