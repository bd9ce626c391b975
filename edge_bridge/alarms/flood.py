"""Floods: alarms beyond what a person can take in are folded into one that counts them. All stay in the log."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from edge_bridge.alarm import TRANSITIONS, Event, State
from edge_bridge.alarms.cloud import Finding, clear_alarm, raise_alarm
from edge_bridge.alarms.data import ALARM_FLOOD, FLOOD_ENDS_AT, FLOOD_OVER, RANK
from edge_bridge.alarms.steps import Steps, around, lock, tell
from edge_bridge.data import AlarmKind
from edge_bridge.models import Alarm, Device
from edge_bridge.protocol import Severity
from tenants.models import Site


@dataclass
class Flood:
    """The flood of a site, while a batch is taken. `known` stands; its row is read when it is needed."""

    device: Device
    now: datetime
    known: UUID | None = None
    parent: Alarm | None = None
    n_new: int = 0
    worst: str = field(default=Severity.LOW)
    site: Site | None = None

    def fold(self, alarm: Alarm) -> None:
        if self.known is None:
            self.parent = self._begin(Severity(alarm.severity))
            self.known = self.parent.pk
        alarm.folded_into_id, self.site = self.known, alarm.site
        self.n_new += 1
        self.worst = max(self.worst, alarm.severity, key=RANK.__getitem__)

    def close(self, steps: Steps) -> None:
        """Count those of the batch, and tell of all at once."""
        if not self.n_new:
            return
        assert self.known is not None and self.site is not None
        parent = self.parent or lock(self.known)
        parent.site = self.site
        parent.n_folded += self.n_new
        parent.value = parent.n_folded + FLOOD_OVER
        parent.occurred_at = parent.received_at = self.now
        steps.note(parent, "folded", at=self.now, comment=f"{self.n_new} more alarms")
        if RANK[self.worst] > RANK[parent.severity]:
            parent.severity = self.worst
            if (State(parent.state), Event.RE_ALARMED) in TRANSITIONS:
                steps.take(parent, Event.RE_ALARMED, at=self.now)
        tell(parent, AlarmKind.FLOOD, self.now)
        self.parent, self.n_new = parent, 0

    def _begin(self, severity: Severity) -> Alarm:
        finding = Finding(ALARM_FLOOD, severity, "alarms in 10 min", float(FLOOD_OVER), float(FLOOD_OVER), "flood")
        return raise_alarm(finding, tenant_id=self.device.tenant_id, site_id=self.device.site_id, now=self.now)


def end_flood(tenant_id: UUID, site_id: UUID, now: datetime) -> bool:
    """Clear the flood of a site if so few alarms came in the last ten minutes that a person can follow them again."""
    if around(site_id, now).n_recent > FLOOD_ENDS_AT:
        return False
    return clear_alarm(ALARM_FLOOD, tenant_id=tenant_id, site_id=site_id, now=now)
