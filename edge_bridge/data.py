"""Values of the edge that cross app borders: what is announced about an alarm, and how a batch is refused."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from tenants.data import Conflict, Event, Invalid, Refusal

# A reading from further ahead is set aside: the terminal's clock is wrong.
AHEAD_AT_MOST: Final = timedelta(days=1)
# By so much clocks differ. A stamp from further ahead is stored, but says nothing of now.
CLOCKS_DIFFER: Final = timedelta(minutes=1)


class AlarmKind(StrEnum):
    """Kinds of feed events about alarms."""

    RAISED = "alarm.raised"
    CLEARED = "alarm.cleared"
    ACKNOWLEDGED = "alarm.acknowledged"
    UPDATED = "alarm.updated"
    SHELVED = "alarm.shelved"
    SUPPRESSED = "alarm.suppressed"
    OUT_OF_SERVICE = "alarm.out_of_service"
    RETURNED = "alarm.returned"
    ESCALATED = "alarm.escalated"
    ASSIGNED = "alarm.assigned"
    COMMENTED = "alarm.commented"
    RE_ALARMED = "alarm.re_alarmed"
    FLOOD = "alarm.flood"


# Of an alarm in UNACK these call a person.
CALLING: Final = (AlarmKind.RAISED, AlarmKind.RE_ALARMED, AlarmKind.RETURNED, AlarmKind.FLOOD)


@dataclass(frozen=True, slots=True)
class AlarmFacts:
    """An alarm as it stands, with the names of where it is; `value` and `limit` in the unit of the tag.

    Without equipment it is of a gateway or of the site itself. `folded_into` is the flood that it came in, `n_folded`
    how many came in this one. `historical`: it came late and no longer stood, so it calls nobody. Without
    `rule_version` no kept rule of the name is known, and without `clause` its limit is of no instrument. `detail`: why,
    in the words of what judged; '' where it said no more than the value.
    """

    id: UUID
    owner_id: UUID
    alarm_type: str
    severity: str
    state: str
    equipment_id: UUID | None
    equipment_code: str | None
    site_id: UUID
    site_name: str
    tag: str
    value: float
    limit: float
    rule: str
    occurred_at: datetime
    raised_at: datetime
    historical: bool
    shelved_until: datetime | None = None
    assigned_to: UUID | None = None
    escalated_to: str = ""
    folded_into: UUID | None = None
    n_folded: int = 0
    n_re_alarms: int = 0
    rule_version: int | None = None
    clause: str = ""
    clause_words: str = ""
    clause_status: str = ""
    clause_source: str = ""
    detail: str = ""

    def body(self) -> dict[str, Any]:
        """The body of its feed events."""
        return {
            "alarm": str(self.id),
            "type": self.alarm_type,
            "severity": self.severity,
            "state": self.state,
            "equipment": _text(self.equipment_id),
            "equipment_code": self.equipment_code,
            "site": str(self.site_id),
            "site_name": self.site_name,
            "tag": self.tag,
            "value": self.value,
            "limit": self.limit,
            "occurred_at": self.occurred_at.isoformat(),
            "raised_at": self.raised_at.isoformat(),
            "historical": self.historical,
            "shelved_until": self.shelved_until and self.shelved_until.isoformat(),
            "assigned_to": _text(self.assigned_to),
            "escalated_to": self.escalated_to,
            "folded_into": _text(self.folded_into),
            "n_folded": self.n_folded,
            "n_re_alarms": self.n_re_alarms,
            "rule": self.rule,
            "rule_version": self.rule_version,
            "clause": self.clause,
            "clause_words": self.clause_words,
            "clause_status": self.clause_status,
            "clause_source": self.clause_source,
            "detail": self.detail,
        }

    def event(self, kind: AlarmKind, occurred_at: datetime) -> Event:
        """For the owner and every partner to whom the alarms of the site or the equipment are open."""
        return Event(
            kind=kind,
            body=self.body(),
            permission="view_alarms",
            site_id=self.site_id,
            equipment_id=self.equipment_id,
            owner_id=self.owner_id,
            occurred_at=occurred_at,
        )


def _text(key: UUID | None) -> str | None:
    return None if key is None else str(key)


@dataclass
class HoleInStream(Conflict):
    """A batch begins above what is stored; the sender goes on at `expected_seq`."""

    expected_seq: int = field(default=1)


@dataclass
class EntryRefused(Invalid):
    """One entry breaks the protocol; with its `seq`, where that can be read, the sender can set it aside."""

    seq: int | None = field(default=None)


class NotProtocol(Refusal):
    """The body is no message of the protocol at all."""

    title = "Not a message"


class TooLarge(Refusal):
    status = 413
    title = "Message too large"


@dataclass
class Unplaceable(Exception):
    """An entry has no place in the cloud; it is set aside with the reason, and the rest of its batch goes on."""

    reason: str
