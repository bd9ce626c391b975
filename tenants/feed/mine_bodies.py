"""What events from the mine say: alarms, commands, rules, hand-overs, readings. Pure."""

from typing import Annotated, Literal, NotRequired, TypedDict

Id = Annotated[str, "uuid"]
At = Annotated[str, "date-time"]
Severity = Literal["low", "medium", "high", "critical"]


class Alarm(TypedDict):
    """An alarm as it stands; `value` and `limit` in the unit of its tag. Without a machine: of a gateway or site.

    `detail`: why, in the words of what judged, such as when a trend reaches which limit; may be empty.
    """

    alarm: Id
    type: str
    severity: Severity
    state: Literal["NORM", "UNACK", "ACKED", "RTNUN", "SHLVD", "DSUPR", "OOSRV"]
    equipment: Id | None
    equipment_code: str | None
    site: Id
    site_name: str
    tag: str
    value: float
    limit: float
    occurred_at: At
    raised_at: At
    historical: bool
    shelved_until: At | None
    assigned_to: Id | None
    escalated_to: str
    folded_into: Id | None
    n_folded: int
    n_re_alarms: int
    rule: str
    rule_version: int | None
    clause: str
    clause_words: str
    clause_status: str
    clause_source: str
    detail: str


class Command(TypedDict):
    """A command as it stands; `value` and `read_back` in `unit`."""

    command: Id
    type: str
    state: str
    equipment: Id
    equipment_code: str
    site: Id
    site_name: str
    tag: str
    unit: str
    value: float
    reason: str
    detail: str
    read_back: float | None
    requested_at: At
    not_after: At
    requested_by: Id | None
    requested_for: Id
    approved_by: Id | None


class Rule(TypedDict):
    """A rule, in which version; `template` and `clause` name its source, `warning` what to know of that."""

    rule: Id
    name: str
    site: Id
    version: int
    template: str
    clause: str
    warning: str
    reason: str
    is_safety: NotRequired[bool]
    re_alarm_s: NotRequired[int | None]


class Backtest(TypedDict):
    """A trial of a rule's version on stored readings; its counts once it is over."""

    rule: Id
    version: int
    trial: Id
    status: str
    done_frac: NotRequired[float]
    message: NotRequired[str]
    n_readings: NotRequired[int]
    n_alarms: NotRequired[int]
    hits: NotRequired[int]
    misses: NotRequired[int]
    false_alarms: NotRequired[int]
    false_alarms_per_week: NotRequired[float | None]
    lead_s: NotRequired[float | None]


class RulesTaken(TypedDict):
    """By which set of rules a gateway judges: `digest`; of one that it refused, why."""

    device: Id
    edge: str
    site: Id
    digest: str
    refused: str
    message: str


class Removal(TypedDict):
    """Readings (`size_s` 0) or roll-ups from before a time."""

    size_s: int
    before: At
    n_removed: int


class Retention(TypedDict):
    """For how many days readings, their minutes and their hours are kept."""

    raw_days: int
    minute_days: int
    hour_days: int


class Handover(TypedDict):
    """The hand-over of a shift, and who has signed it."""

    handover: Id
    shift: str
    site: Id
    site_name: str
    begins_at: At
    ends_at: At
    outgoing: Id | None
    incoming: Id | None
