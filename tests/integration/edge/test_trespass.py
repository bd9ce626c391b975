"""Terminals that spoke for machines not their own are one alarm of their gateway, until it says that it is over."""

from datetime import UTC, datetime

from edge_bridge.models import Alarm
from edge_bridge.protocol import Lane, Trespass
from tenants.models import FeedEvent
from tests.functional.console.scenes import sign_in
from tests.integration.edge.scenes import gateway, opened, told


def test_trespass_is_an_alarm_of_its_gateway_until_it_is_over(aurora):
    edge = gateway(aurora)
    for count in (1, 9):
        edge.say(Lane.P1, Trespass(datetime.now(UTC), count, "'cassia' for 'GAS-T0-01'"))
    with aurora.acting():
        alarm = Alarm.objects.get()
        assert (alarm.alarm_type, alarm.severity, alarm.value) == ("terminal_trespass", "high", 9.0)
        assert (alarm.device_id, alarm.equipment_id) == (edge.device.pk, None)
    edge.say(Lane.P1, Trespass(datetime.now(UTC), 0, ""))
    assert told(aurora) == [("alarm.raised", "UNACK"), ("alarm.updated", "UNACK"), ("alarm.cleared", "RTNUN")]


def test_who_trespassed_for_what_stands_with_the_gateway_and_no_partner_reads_it(aurora, borealis):
    opened(aurora, borealis, "view_alarms")
    edge = gateway(aurora)
    edge.say(Lane.P1, Trespass(datetime.now(UTC), 3, "'gas-7' for 'SOUTH-01' (3)"))
    edge.say(Lane.P1, Trespass(datetime.now(UTC), 0, ""))
    partner, owner = borealis.client(), aurora.client()
    (alarm,) = partner.get("/api/v1/alarms?shared=true").json()["results"]
    places = ("alarms?shared=true", f"alarms/{alarm['id']}", "alarms.csv?shared=true", "feed/snapshot")
    assert not any(b"SOUTH-01" in partner.get(f"/api/v1/{place}").content for place in places)
    with borealis.acting():
        assert not any("SOUTH-01" in str(event.body) for event in FeedEvent.objects.all())
    assert owner.get(f"/api/v1/devices/{edge.device.pk}").json()["trespass"] == "'gas-7' for 'SOUTH-01' (3)"
    assert "for &#x27;SOUTH-01&#x27; (3)" in sign_in(aurora).get(f"/gateways/{edge.device.pk}").content.decode()
