"""Twins that disagree are told by the cloud itself where there is a mandate, whatever the mine's gateway judges by."""

from datetime import UTC, datetime, timedelta

from edge_bridge.alarms import actions as alarming
from edge_bridge.catalogue import actions
from edge_bridge.catalogue.access import get_rule
from edge_bridge.models import Alarm
from edge_bridge.protocol import Lane
from edge_bridge.watching.twins import sweep_of
from tests.integration.edge.scenes import gateway, reading, told
from tests.integration.edge.test_guards import TWIN, mandate, switched_off
from tests.integration.edge.test_watching import mines

TYPE = "twins_disagree.GAS-T0-01"


def twins(owner):
    with owner.acting():
        rule = actions.make_rule(site=owner.sites["north"], name="Twins of the heading", settings=TWIN)
    with owner.acting():
        return actions.enable_rule(rule=rule, reason="known")


def said(edge, one: float, other: float, ago_s: int = 60) -> None:
    """By both, each second of a minute that began so long ago."""
    values, seconds = (("GAS-T0-01", one), ("FAN-01", other)), range(ago_s, ago_s - 60, -1)
    edge.say(Lane.P2, *(reading(v, code=code, tag="CH4", ago_s=n) for n in seconds for code, v in values))


def swept(owner, *, after_s: float = 0.0) -> int:
    with owner.acting():
        return sweep_of(owner.id, datetime.now(UTC) + timedelta(seconds=after_s))


def test_twins_that_disagree_are_told_though_the_mine_switched_their_rule_off(aurora, delta):
    mandate(aurora, delta, "view_telemetry", "view_alarms")
    edge, rule = gateway(aurora), twins(aurora)
    switched_off(aurora, rule)
    said(edge, 1.2, 0.6)
    assert (swept(aurora), swept(aurora)) == (1, 0), "raised once"
    assert told(delta) == [("alarm.raised", "UNACK")]
    with aurora.acting():
        until = datetime.now(UTC) + timedelta(minutes=30)
        alarming.shelve_alarm(alarm=Alarm.objects.get(), until=until, reason="sensor is being moved")
    (alarm,) = mines(delta)[0]["alarms"]
    assert (alarm["alarm_type"], alarm["stands"], alarm["limit"]) == (TYPE, True, 0.2)
    with aurora.acting():
        actions.retire_rule(rule=get_rule(rule.pk), reason="no longer wanted")
    assert swept(aurora) == 0
    assert [each["stands"] for each in mines(delta)[0]["alarms"]] == [True]


def test_silence_does_not_clear_what_only_twins_that_agree_do(aurora, delta):
    mandate(aurora, delta, "view_telemetry", "view_alarms")
    edge, _ = gateway(aurora), twins(aurora)
    said(edge, 1.2, 0.6, ago_s=900)
    assert swept(aurora, after_s=-840) == 1
    assert swept(aurora) == 0, "none of them was heard of late"
    said(edge, 0.6, 0.6)
    assert swept(aurora) == 1
    with aurora.acting():
        assert not Alarm.objects.get().stands


def test_cloud_judges_no_twins_where_nobody_has_a_mandate(aurora):
    edge, _ = gateway(aurora), twins(aurora)
    said(edge, 1.2, 0.6)
    assert swept(aurora) == 0


def test_rule_that_was_switched_off_long_ago_is_judged_no_more(aurora, delta):
    mandate(aurora, delta, "view_telemetry", "view_alarms")
    edge, rule = gateway(aurora), twins(aurora)
    switched_off(aurora, rule)
    said(edge, 1.2, 0.6)
    assert swept(aurora, after_s=91 * 86_400) == 0
