"""What the tests of the console begin with: somebody signed in, and alarms that come in as from a gateway."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.test import Client

from edge_bridge.actions import enrol_device
from edge_bridge.models import Alarm
from edge_bridge.protocol import Alarm as AlarmMessage
from edge_bridge.protocol import AlarmEvent, Batch, Entry, Lane, Severity, encode
from tests.personas import PASSWORD, Organisation

HOSTILE = "<script>window.stolen=1</script>"


def sign_in(organisation: Organisation) -> Client:
    client = Client()
    response = client.post("/login", {"login": organisation.user.email, "password": PASSWORD})
    assert response.status_code == 302, response.content
    return client


class Gateway:
    """Sends alarms of one site over HTTP, each in a batch of its own."""

    def __init__(self, owner: Organisation, site: str = "north") -> None:
        self.owner = owner
        with owner.acting():
            device, secret = enrol_device(site=owner.sites[site], name="gateway")
        self.authorization = f"Device {device.pk}.{secret}"
        self.boot, self.seq = uuid4(), 0

    def send(self, event: AlarmEvent = AlarmEvent.RAISED, **changed: Any) -> Alarm:
        """Raise (or clear) an alarm; returns its row."""
        said = {
            "equipment": "GAS-T0-01",
            "alarm_type": "methane_high",
            "severity": Severity.CRITICAL,
            "tag": "ch4",
            "value": 1.25,
            "limit": 1.0,
            "rule": "methane at the upper corner",
            "occurred_at": datetime.now(UTC),
            "historical": False,
        } | changed
        self.seq += 1
        body = AlarmMessage(event=event, **said)
        batch = Batch("edge-1", self.boot, Lane.P0, datetime.now(UTC), (Entry(self.seq, body),))
        answer = Client().post(
            "/api/v1/edge/batches",
            encode(batch),
            content_type="application/json",
            headers={"Authorization": self.authorization},
        )
        assert answer.status_code == 200, answer.content
        with self.owner.acting():
            return Alarm.objects.filter(alarm_type=said["alarm_type"], equipment__code=said["equipment"]).latest("pk")
