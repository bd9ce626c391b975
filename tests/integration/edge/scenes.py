"""What the tests of the edge begin with: an enrolled gateway that numbers its entries, and things for it to say."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from rest_framework.test import APIClient

from edge_bridge import actions
from edge_bridge.models import Alarm, AlarmChange, Device, Quarantine
from edge_bridge.protocol import Ack, AlarmEvent, Batch, Body, Entry, Lane, Quality, Reading, Severity, encode
from edge_bridge.protocol import Alarm as AlarmEntry
from tenants.agreements import actions as agreeing
from tenants.context import acting_as
from tenants.data import Actor
from tenants.models import Agreement, FeedEvent
from tests.personas import Organisation

BATCHES = "/api/v1/edge/batches"


@dataclass
class Gateway:
    device: Device
    secret: str
    boot: UUID = field(default_factory=uuid4)
    edge: str = "north-gateway"
    next_seq: dict[Lane, int] = field(default_factory=lambda: dict.fromkeys(Lane, 1))

    @property
    def authorization(self) -> str:
        return f"Device {self.device.pk}.{self.secret}"

    @property
    def actor(self) -> Actor:
        return Actor(self.device.tenant_id, None, frozenset({"device"}), f"device:{self.device.pk}")

    def batch(self, lane: Lane, *bodies: Body) -> Batch:
        """The next entries of a lane."""
        first = self.next_seq[lane]
        self.next_seq[lane] = first + len(bodies)
        entries = tuple(Entry(seq, body) for seq, body in enumerate(bodies, first))
        return Batch(self.edge, self.boot, lane, datetime.now(UTC), entries)

    def record(self, batch: Batch) -> Ack:
        with acting_as(self.actor):
            return actions.record(device=self.device, batch=batch)

    def say(self, lane: Lane, *bodies: Body) -> Ack:
        return self.record(self.batch(lane, *bodies))

    def post(self, body: Batch | bytes, **headers: str):  # type: ignore[no-untyped-def]
        raw = body if isinstance(body, bytes) else encode(body)
        sent = {"HTTP_AUTHORIZATION": self.authorization, **headers}
        return APIClient().post(BATCHES, raw, content_type="application/json", **sent)


def gateway(owner: Organisation, site: str = "north") -> Gateway:
    with owner.acting():
        return Gateway(*actions.enrol_device(site=owner.sites[site], name="North gateway"))


def reading(value: float = 1.0, *, code: str = "PUMP-07", tag: str = "vibration", ago_s: float = 0.0) -> Reading:
    return Reading(code, tag, value, Quality.GOOD, datetime.now(UTC) - timedelta(seconds=ago_s))


def raised(value: float = 1.2, *, severity: str = "critical", code: str = "GAS-T0-01", **more: object) -> AlarmEntry:
    return _alarm(AlarmEvent.RAISED, value, severity, code, **more)


def cleared(value: float = 0.4, *, severity: str = "critical", code: str = "GAS-T0-01", **more: object) -> AlarmEntry:
    return _alarm(AlarmEvent.CLEARED, value, severity, code, **more)


def _alarm(event: AlarmEvent, value: float, severity: str, code: str, **more: object) -> AlarmEntry:
    said = {"alarm_type": "ch4.hi", "tag": "CH4", "limit": 1.0, "rule": "ch4", "historical": False, **more}
    at = said.pop("occurred_at", datetime.now(UTC))
    return AlarmEntry(
        equipment=code,
        event=event,
        severity=Severity(severity),
        value=value,
        occurred_at=at,
        **said,  # type: ignore[arg-type]
    )


def the_alarm(owner: Organisation) -> Alarm:
    with owner.acting():
        return Alarm.objects.get(tenant=owner.id)


def history(owner: Organisation) -> list[tuple[str, str, str]]:
    with owner.acting():
        rows = AlarmChange.objects.filter(tenant=owner.id).order_by("pk")
        return list(rows.own().values_list("event", "from_state", "to_state"))


def set_aside(owner: Organisation) -> list[str]:
    with owner.acting():
        return list(Quarantine.objects.filter(tenant=owner.id).order_by("seq").values_list("reason", flat=True))


def told(party: Organisation) -> list[tuple[str, str]]:
    """Kind and state of the alarm events on a party's feed, oldest first."""
    with party.acting():
        rows = FeedEvent.objects.filter(kind__startswith="alarm.").order_by("seq")
        return list(rows.values_list("kind", "body__state"))


def opened(owner: Organisation, partner: Organisation, *permissions: str, equipment: str = "") -> Agreement:
    """An active agreement on mine North, or on one machine there."""
    what = {"equipment": owner.equipment[equipment]} if equipment else {"site": owner.sites["north"]}
    clause = {**what, "permissions": list(permissions), "during": (datetime.now(UTC) - timedelta(seconds=1), None)}
    with owner.acting():
        return agreeing.agree_by_offer(
            owner_id=owner.id, partner_id=partner.id, title="Watch", purpose="maintenance", clauses=[clause]
        )
