"""Own gateways as they stand now, and their counts by the hour, under the open identity."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Sum

from edge_bridge.catalogue.queries import marked_current, reports
from edge_bridge.counts.counting import COUNTED
from edge_bridge.models import Device, RulesInUse, StreamHour, Watermark
from edge_bridge.protocol import Lane
from tenants.data import FieldError, Invalid

LONGEST: Final = timedelta(days=31)
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HourOfLane:
    """All streams of one lane. `off_by` is told of lane p1 only, None while it can't be known."""

    begins_at: datetime
    lane: str
    sent: int
    stored: int
    quarantined: int
    filtered: int
    thinned: int
    refused: int
    lost: int
    produced: int
    off_by: int | None


@dataclass
class Seen:
    """A gateway by the newest stream of each lane, and by what it says of its rules."""

    device: Device
    streams: list[Watermark] = field(default_factory=list)
    rules: list[RulesInUse] = field(default_factory=list)
    off_by: int | None = None

    @property
    def session(self) -> Watermark | None:
        """The newest stream of lane p1, in which it speaks of itself."""
        told = [stream for stream in self.streams if stream.lane == Lane.P1]
        return max(told, key=lambda stream: stream.updated_at, default=None)

    @property
    def heard_at(self) -> datetime | None:
        """When it last brought something that was new."""
        return max((stream.updated_at for stream in self.streams), default=None)

    @property
    def waiting(self) -> int | None:
        """Numbers of lane p2 that its journal held at its last heartbeat and has not sent since."""
        session = self.session
        if session is None or session.readings_through is None:
            return None
        through = [each.through for each in self.streams if (each.boot, each.lane) == (session.boot, Lane.P2)]
        return max(0, session.readings_through - max(through, default=0))


def balance_of(device: Device, *, since: datetime, until: datetime) -> list[HourOfLane]:
    """Hours that begin in `since` ≤ … < `until`, oldest first, then by lane. Invalid for a span that is too long."""
    if not timedelta() < until - since <= LONGEST:
        message = f"before 'until', by at most {LONGEST.days} days"
        raise Invalid("That is no span of time.", (FieldError("/since", message),))
    span = {"begins_at__gte": since, "begins_at__lt": until}
    hours = StreamHour.objects.filter(tenant=device.tenant_id, watermark__device=device, **span)
    sums = {f"{name}_sum": Sum(name) for name in (*COUNTED, "off_by")}
    rows = hours.values("begins_at", "watermark__lane").annotate(**sums).order_by("begins_at", "watermark__lane")
    return [_hour(row) for row in rows]


def gateways_seen(devices: Iterable[Device]) -> list[Seen]:
    """Each with the newest stream of each lane and name, by few statements for all."""
    found = {device.pk: Seen(device) for device in devices}
    newest = Watermark.objects.filter(device__in=found).order_by("device", "edge", "lane", "-updated_at")
    for stream in newest.distinct("device", "edge", "lane"):
        found[stream.device_id].streams.append(stream)
    for device_id, rows in _rules_by_device(found).items():
        found[device_id].rules = rows
    sessions = {seen.session.pk: seen for seen in found.values() if seen.session}
    told = StreamHour.objects.filter(watermark__in=sessions, off_by__isnull=False)
    for hour in told.order_by("watermark", "-begins_at").distinct("watermark"):
        sessions[hour.watermark_id].off_by = hour.off_by
    return list(found.values())


def _rules_by_device(device_ids: Iterable[UUID]) -> dict[UUID, list[RulesInUse]]:
    rows: Sequence[RulesInUse] = marked_current(list(reports().filter(device__in=[*device_ids]).order_by("edge")))
    found: defaultdict[UUID, list[RulesInUse]] = defaultdict(list)
    for row in rows:
        found[row.device_id].append(row)
    return found


def _hour(row: dict[str, Any]) -> HourOfLane:
    counts = {name: row[f"{name}_sum"] for name in (*COUNTED, "off_by")}
    return HourOfLane(row["begins_at"], row["watermark__lane"], **counts)
