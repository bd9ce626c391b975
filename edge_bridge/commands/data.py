"""What is decided about commands once for all, what is announced of one, and how a value is judged. No Django."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from edge_bridge.commands.life import Event, State
from tenants.data import Event as FeedEvent
from tenants.data import FieldError, Invalid

MAX_REASON_CHARS: Final = 300
MAX_DETAIL_CHARS: Final = 500
MAX_INTERLOCKS: Final = 20
SHORTEST_LIFE_S: Final = 5
LONGEST_LIFE_S: Final = 86_400
LONGEST_SETTLING_S: Final = 3_600
HIGHEST: Final = 1e15
# What a type may say of itself, from the least to the most.
TERMS: Final[Mapping[str, tuple[float, float]]] = {
    "min_value": (-HIGHEST, HIGHEST),
    "max_value": (-HIGHEST, HIGHEST),
    "tolerance": (0, HIGHEST),
    "settles_s": (0, LONGEST_SETTLING_S),
    "expires_s": (SHORTEST_LIFE_S, LONGEST_LIFE_S),
}
# In force at a time.
MOST_TYPES: Final = 200
# What a gateway is given at a time; the rest comes with the next answer.
MOST_AT_ONCE: Final = 100
# After its end a command that was sent is waited for this long, for a word that is on its way.
WORD_WITHIN: Final = timedelta(seconds=60)


class Zone(StrEnum):
    """Where an alarm stands that forbids a command: anywhere at the site, or in the machine's own process."""

    SITE = "site"
    PROCESS = "process"


def check_terms(terms: Mapping[str, Any]) -> None:
    """Invalid, with each place, if a type of command could not be so."""
    faults = [
        FieldError(f"/{name}", f"from {least:g} to {most:g}")
        for name, (least, most) in TERMS.items()
        if name in terms and not least <= terms[name] <= most
    ]
    if not terms["min_value"] <= terms["max_value"]:
        faults.append(FieldError("/max_value", "not below min_value"))
    if len(terms.get("interlock_alarms", ())) > MAX_INTERLOCKS:
        faults.append(FieldError("/interlock_alarms", f"at most {MAX_INTERLOCKS}"))
    if faults:
        raise Invalid("There can't be such a type of command.", tuple(faults))


def check_value(value: float, least: float, most: float, unit: str) -> None:
    """Invalid, with the range, unless `least` ≤ value ≤ `most`."""
    if not (math.isfinite(value) and least <= value <= most):
        message = f"from {least:g} to {most:g} {unit}".rstrip()
        raise Invalid("The value is out of the range of this type of command.", (FieldError("/value", message),))


def agrees(read_back: float, wanted: float, tolerance: float) -> bool:
    """Whether what is read is what was to be set."""
    return abs(read_back - wanted) <= tolerance


def settled(read_back: float | None, wanted: float, tolerance: float, *, time_is_over: bool) -> Event | None:
    """What a reading says of a command that nobody spoke of; None while it may still come about, or nothing is read."""
    if read_back is None:
        return None
    if agrees(read_back, wanted, tolerance):
        return Event.DONE
    return Event.FAILED if time_is_over else None


@dataclass(frozen=True, slots=True)
class CommandFacts:
    """A command as it stands; `value` and `read_back` in `unit`."""

    id: UUID
    owner_id: UUID
    type_name: str
    state: State
    equipment_id: UUID
    equipment_code: str
    site_id: UUID
    site_name: str
    tag: str
    unit: str
    value: float
    reason: str
    detail: str
    read_back: float | None
    requested_at: datetime
    not_after: datetime
    requested_by: UUID | None
    requested_for: UUID
    approved_by: UUID | None

    def body(self) -> dict[str, Any]:
        """The body of its feed events."""
        return {
            "command": str(self.id),
            "type": self.type_name,
            "state": str(self.state),
            "equipment": str(self.equipment_id),
            "equipment_code": self.equipment_code,
            "site": str(self.site_id),
            "site_name": self.site_name,
            "tag": self.tag,
            "unit": self.unit,
            "value": self.value,
            "reason": self.reason,
            "detail": self.detail,
            "read_back": self.read_back,
            "requested_at": self.requested_at.isoformat(),
            "not_after": self.not_after.isoformat(),
            "requested_by": _text(self.requested_by),
            "requested_for": str(self.requested_for),
            "approved_by": _text(self.approved_by),
        }

    def event(self, occurred_at: datetime) -> FeedEvent:
        """For the owner and every partner to whom commands to the site or the machine are open."""
        return FeedEvent(
            kind=f"command.{self.state}",
            body=self.body(),
            permission="send_commands",
            site_id=self.site_id,
            equipment_id=self.equipment_id,
            owner_id=self.owner_id,
            occurred_at=occurred_at,
        )


def _text(key: UUID | None) -> str | None:
    return None if key is None else str(key)
