"""Counts that do not balance are an alarm of their gateway, told once and cleared when they do or are history."""

from datetime import UTC, datetime, timedelta

from edge_bridge.balance import COUNTS_IMBALANCE
from edge_bridge.models import Alarm
from edge_bridge.protocol import Gap, GapReason, Heartbeat, Lane
from tests.integration.edge.scenes import gateway, reading, told


def beat(produced: int, through: int) -> Heartbeat:
    return Heartbeat(datetime.now(UTC), produced, through)


def test_imbalance_is_told_when_readings_and_heartbeat_are_there_and_once(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P1, beat(3, 2))
    assert told(aurora) == []
    edge.say(Lane.P2, reading(ago_s=2), reading(ago_s=1))
    assert told(aurora) == [("alarm.raised", "UNACK")]
    edge.say(Lane.P1, beat(3, 2))
    assert told(aurora) == [("alarm.raised", "UNACK")]
    with aurora.acting():
        alarm = Alarm.objects.get()
        assert (alarm.alarm_type, alarm.value, alarm.device_id, alarm.equipment_id) == (
            COUNTS_IMBALANCE,
            1.0,
            edge.device.pk,
            None,
        )
    edge.say(Lane.P2, reading())
    edge.say(Lane.P1, beat(6, 3))
    assert told(aurora)[1:] == [("alarm.updated", "UNACK")]


def test_balance_clears_it(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P2, reading())
    edge.say(Lane.P1, beat(4, 1))
    at = datetime.now(UTC)
    edge.say(Lane.P2, Gap(2, GapReason.DEADBAND, 3, at, at))
    edge.say(Lane.P1, beat(4, 2))
    assert told(aurora) == [("alarm.raised", "UNACK"), ("alarm.cleared", "RTNUN")]


def test_imbalance_without_change_is_history_after_an_hour(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P2, reading())
    edge.say(Lane.P1, beat(4, 1))
    with aurora.acting():
        Alarm.objects.update(occurred_at=datetime.now(UTC) - timedelta(minutes=61))
    edge.say(Lane.P1, beat(4, 1))
    edge.say(Lane.P1, beat(4, 1))
    assert told(aurora) == [("alarm.raised", "UNACK"), ("alarm.cleared", "RTNUN")]


def test_balanced_counts_are_no_alarm(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P2, reading(ago_s=1), reading())
    edge.say(Lane.P1, beat(2, 2))
    assert told(aurora) == []
