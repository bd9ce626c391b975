"""What is decided about alarms once for all, and the values that its parts hand each other. No Django."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from edge_bridge.protocol import Severity

# Alarms that the cloud raises itself: of a gateway, or of a site.
EDGE_SILENT: Final = "edge_silent"
ALARM_FLOOD: Final = "alarm_flood"

# ISA-18.2: more than ten new alarms in ten minutes are a flood, which is over at five or fewer.
FLOOD_WINDOW: Final = timedelta(minutes=10)
FLOOD_OVER: Final = 10
FLOOD_ENDS_AT: Final = 5

# The worse an alarm, the sooner it must be looked at again.
LONGEST_SHELF: Final = {
    Severity.CRITICAL: timedelta(hours=1),
    Severity.HIGH: timedelta(hours=8),
    Severity.MEDIUM: timedelta(hours=24),
    Severity.LOW: timedelta(hours=24),
}
RANK: Final = {str(severity): rank for rank, severity in enumerate(Severity)}
MAX_REASON_CHARS: Final = 300
MAX_COMMENT_CHARS: Final = 1000
MOST_STEPS: Final = 5
SHORTEST_WAIT_S: Final = 10
LONGEST_WAIT_S: Final = 86_400
# (after_s, role), where an organisation has no steps of its own for the severity.
USUAL_STEPS: Final = {Severity.CRITICAL: ((300, "manager"), (900, "owner"))}


def first_id_at(moment: datetime) -> UUID:
    """Below every key (UUIDv7) that was made from this moment on, and above all before its millisecond."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


@dataclass
class Around:
    """A site while alarms are taken there: its suppressions as (cause, effect, reason), its flood, how many are new.

    `standing` are the causes whose condition stands, by type the alarms.
    """

    suppressions: list[tuple[str, str, str]]
    flood: UUID | None
    n_recent: int
    standing: dict[str, set[UUID]] = field(default_factory=dict)

    @property
    def causes(self) -> set[str]:
        return {cause for cause, _, _ in self.suppressions}

    def note(self, alarm_type: str, alarm: UUID, *, stands: bool) -> None:
        found = self.standing.setdefault(alarm_type, set())
        (found.add if stands else found.discard)(alarm)

    def reasons(self) -> dict[str, str]:
        """By type of alarm that is suppressed now, why."""
        return {
            effect: f"{cause} stands: {reason}"[:MAX_REASON_CHARS]
            for cause, effect, reason in self.suppressions
            if self.standing.get(cause)
        }
