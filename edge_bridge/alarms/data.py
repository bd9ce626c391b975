"""What is decided about alarms once for all, and the values that its parts hand each other. No Django."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from edge_bridge.catalogue.data import guards_people, kept_name
from edge_bridge.protocol import Severity
from edge_bridge.protocol.machine import MachineState

# Alarms that the cloud raises itself: of a gateway, or of a site.
EDGE_SILENT: Final = "edge_silent"
ALARM_FLOOD: Final = "alarm_flood"
ALARMS_SET_ASIDE: Final = "alarms_set_aside"
ALARMS_LOST: Final = "alarms_lost"
TERMINAL_TRESPASS: Final = "terminal_trespass"

# Within this time a gateway that began anew raises again what stands on a machine that it hears, and one whose
# credential was revoked comes back with another.
SOURCE_SETTLES: Final = timedelta(minutes=10)

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

# An acknowledged alarm that stands is announced again after a time between these.
SHORTEST_RE_ALARM_S: Final = 60
LONGEST_RE_ALARM_S: Final = 86_400

# States of machines in which alarms may be suppressed: two as operators say them, and each that a vehicle tells.
NOT_RUNNING: Final = "not_running"
MAINTENANCE: Final = "maintenance"
STANDING: Final = frozenset({MachineState.STOPPED, MachineState.SERVICE, MachineState.BREAKDOWN})
REPAIRED: Final = frozenset({MachineState.SERVICE, MachineState.BREAKDOWN})
STATES: Final = (NOT_RUNNING, MAINTENANCE, *(state.name.lower() for state in MachineState))
STATE_TAGS: Final = frozenset({"state", "running"})
# What a machine said longer ago is not its state: nothing is suppressed on old news.
STATE_FRESH: Final = timedelta(minutes=10)
_CODES: Final = frozenset(float(state) for state in MachineState)


def first_id_at(moment: datetime) -> UUID:
    """Below every key (UUIDv7) that was made from this moment on, and above all before its millisecond."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def moment_of(key: UUID) -> datetime:
    """When a key (UUIDv7) was made, to the millisecond before."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, UTC)


def words_of(state: float | None, running: float | None, is_in_service: bool) -> frozenset[str]:
    """The words of STATES that hold of a machine, by its tags `state` and `running` (None: unknown) and its entry."""
    known = MachineState(int(state)) if state in _CODES else None
    words = {known.name.lower()} if known else set()
    if known in STANDING or (running is not None and running < 0.5):
        words.add(NOT_RUNNING)
    if known in REPAIRED or not is_in_service:
        words.add(MAINTENANCE)
    return frozenset(words)


@dataclass(frozen=True, slots=True)
class Suppression:
    """A rule of suppression in force: by a `cause` that stands, or in `states` of a machine.

    Of the second, `rule` is the kept rule's name, or `tag` the tag, of one `equipment` or None for any.
    """

    reason: str
    cause: str = ""
    effect: str = ""
    states: Sequence[str] = ()
    rule: str = ""
    tag: str = ""
    equipment: UUID | None = None

    def speaks_of(self, alarm: "Raised") -> bool:
        if not self.states:
            return self.effect == alarm.alarm_type
        if self.equipment not in (None, alarm.equipment_id):
            return False
        return self.tag == alarm.tag if self.tag else self.rule == kept_name(alarm.rule)


class Raised(Protocol):
    """What suppressions ask of an alarm."""

    alarm_type: str
    equipment_id: UUID | None
    tag: str
    rule: str


@dataclass
class Around:
    """A site while alarms are taken there: its suppressions, its flood, how many alarms are new.

    `standing` are the causes whose condition stands, by type the alarms; `machines` the states that machines are in;
    `safety_rules` the names of kept rules that nothing may silence by design.
    """

    suppressions: Sequence[Suppression]
    flood: UUID | None
    n_recent: int
    standing: dict[str, set[UUID]] = field(default_factory=dict)
    machines: dict[UUID, frozenset[str]] = field(default_factory=dict)
    safety_rules: frozenset[str] = frozenset()

    @property
    def causes(self) -> set[str]:
        return {each.cause for each in self.suppressions if each.cause}

    @property
    def effects(self) -> set[str]:
        """Types of alarms whose cause stands."""
        return {each.effect for each in self.suppressions if self.standing.get(each.cause)}

    @property
    def in_states(self) -> list[Suppression]:
        return [each for each in self.suppressions if each.states]

    def note(self, alarm_type: str, alarm: UUID, *, stands: bool) -> None:
        found = self.standing.setdefault(alarm_type, set())
        (found.add if stands else found.discard)(alarm)

    def reason_for(self, alarm: Raised) -> str:
        """Why the alarm is suppressed now; empty if it is not."""
        reasons = (self._reason(each, alarm) for each in self.suppressions if each.speaks_of(alarm))
        return next(filter(None, reasons), "")[:MAX_REASON_CHARS]

    def _reason(self, rule: Suppression, alarm: Raised) -> str:
        if self._is_safety(alarm):
            return ""
        if not rule.states:
            return f"{rule.cause} stands: {rule.reason}" if self.standing.get(rule.cause) else ""
        if alarm.equipment_id is None:
            return ""
        found = self.machines.get(alarm.equipment_id, frozenset()).intersection(rule.states)
        return f"the machine is {' and '.join(sorted(found))}: {rule.reason}" if found else ""

    def _is_safety(self, alarm: Raised) -> bool:
        return guards_people(alarm.tag, alarm.rule) or kept_name(alarm.rule) in self.safety_rules
