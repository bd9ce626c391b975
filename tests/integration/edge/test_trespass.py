"""Terminals that spoke for machines not their own are one alarm of their gateway, until it says that it is over."""

from datetime import UTC, datetime

from edge_bridge.models import Alarm
from edge_bridge.protocol import Lane, Trespass
from tests.integration.edge.scenes import gateway, told


def test_trespass_is_an_alarm_of_its_gateway_until_it_is_over(aurora):
    edge = gateway(aurora)
    for count in (1, 9):
        edge.say(Lane.P1, Trespass(datetime.now(UTC), count, "'cassia' for 'GAS-T0-01'"))
    with aurora.acting():
        alarm = Alarm.objects.get()
        assert (alarm.alarm_type, alarm.severity, alarm.value) == ("terminal_trespass", "high", 9.0)
        assert (alarm.device_id, alarm.equipment_id) == (edge.device.pk, None)
        assert alarm.changes.first().comment == "'cassia' for 'GAS-T0-01'"
    edge.say(Lane.P1, Trespass(datetime.now(UTC), 0, ""))
    assert told(aurora) == [("alarm.raised", "UNACK"), ("alarm.updated", "UNACK"), ("alarm.cleared", "RTNUN")]
