"""What the events say: the shape of a body by the kind of its event. Pure.

`Id` is a UUID, `At` a time with its zone, both as text. Where an agreement hides keys of a body from
a partner they are absent and named under `masked`.
"""

from typing import Any, Final, NotRequired, TypedDict

from tenants.feed.mine_bodies import Alarm, At, Backtest, Command, Handover, Id, Removal, Retention, Rule, RulesTaken


class _Run(TypedDict):
    name: str
    status: str
    message: NotRequired[str]
    stage: NotRequired[str]
    elapsed_s: NotRequired[float]


class Plan(_Run):
    """A plan and how far it is: costs in USD, `gap` as a fraction. `release` and `digest` once it is released."""

    plan: Id
    incumbent: NotRequired[float]
    objective: NotRequired[float]
    bound: NotRequired[float]
    gap: NotRequired[float]
    scenario: NotRequired[Id]
    release: NotRequired[int]
    digest: NotRequired[str]


class Experiment(_Run):
    """A study of plans: `done` of `of` solves are there; the rest is of the one in hand, which `stage` names."""

    experiment: Id
    done: NotRequired[int]
    of: NotRequired[int]
    incumbent_usd: NotRequired[float]
    relative_gap: NotRequired[float]


class JointPlan(TypedDict):
    """A plan of several organisations; of whose seat it is told."""

    joint: Id
    name: str
    coordinator_name: str
    participant: NotRequired[Id]
    participant_name: NotRequired[str]
    status: NotRequired[str]
    version: NotRequired[int]


class PlanShare(TypedDict):
    """The share of a participant is there, or what became of it."""

    plan: Id
    joint: Id
    name: str
    status: str


class GradeSet(TypedDict):
    """A set of grades held against a new batch of samples."""

    set: Id
    name: str
    version: int
    batch: Id
    is_holding: bool
    words: list[str]


class Task(TypedDict):
    """A service task as it stands; its claimant is told to the two parties. The rest by what happened."""

    task: Id
    title: str
    status: str
    category: str
    owner: Id
    owner_name: str
    equipment_code: str | None
    claimant: NotRequired[Id]
    claimant_name: NotRequired[str]
    reason: NotRequired[str]
    lease_until: NotRequired[At]
    reaction: NotRequired[str]
    question: NotRequired[Id]
    attachment: NotRequired[Id]
    terms: NotRequired[list[str]]
    evidence: NotRequired[dict[str, Any]]
    standing: NotRequired[dict[str, Any]]
    opener: NotRequired[str]
    given: NotRequired[int]
    needed: NotRequired[int]
    firms: NotRequired[list[str]]


class Bid(TypedDict):
    """A bid as it stands, `number` its version; nothing of what it offers. The rest by what happened."""

    task: Id
    title: str
    owner: Id
    owner_name: str
    bid: Id
    firm: Id
    firm_name: str
    number: int
    status: str
    commitment: NotRequired[str]
    sealed: NotRequired[str]
    keys: NotRequired[str]
    fault: NotRequired[str]
    reason: NotRequired[str]
    outcome: NotRequired[dict[str, Any] | None]
    standstill_until: NotRequired[At | None]
    complaint: NotRequired[Id]
    decision: NotRequired[str]


class Contract(TypedDict):
    """A contract as it stands."""

    contract: Id
    task: Id
    title: str
    status: str
    owner: Id
    owner_name: str
    firm: Id
    firm_name: str


class Milestone(Contract):
    """A milestone of a contract; `status` is its own."""

    milestone: Id
    milestone_title: str
    number: int


class Session(Contract):
    """A remote session under a contract; `status` is its own."""

    session: Id
    number: int
    subject: str


class Assignment(TypedDict):
    """Somebody of a firm works on a task, or does no longer; who it is, the firm's own calendar says."""

    assignment: Id
    task: Id
    title: str
    owner: Id
    firm: Id
    from_at: At
    to_at: At


class Agreement(TypedDict):
    """An agreement as it stands; `ends_at` where its end is near or has come."""

    agreement: Id
    title: str
    status: str
    kind: str
    version: int
    ends_at: NotRequired[At | None]


class Delegation(TypedDict):
    """An agreement of which the organisation changed who may use it."""

    agreement: Id
    title: str


class Member(TypedDict):
    """A member, and the roles where these changed."""

    member: Id
    roles: NotRequired[list[str]]


class Key(TypedDict):
    """By its beginning."""

    prefix: str


class Organisation(TypedDict):
    """The organisation itself."""

    organisation: Id


class Booking(TypedDict):
    """A person or a machine, booked from when to when."""

    booking: Id
    person: Id | None
    equipment: Id | None
    site: Id | None
    begins_at: At
    ends_at: At


class Relocation(TypedDict):
    """A machine that moved."""

    equipment: Id
    from_site: Id
    to_site: Id


class StockMove(TypedDict):
    """A move of stock; `quantity` and `balance` are decimal text in `unit`."""

    move: Id
    kind: str
    site: Id
    material: Id
    quantity: str
    balance: str
    unit: str


class Budget(TypedDict):
    """A month's budget; amounts in minor units of `currency`. `stops`: what costs is refused beyond it."""

    month: str
    cap_minor: int
    used_minor: int | None
    currency: str | None
    stops: bool
    resets_at: At


class Export(TypedDict):
    """An archive and how far it is."""

    export: Id
    status: str
    n_files: NotRequired[int]
    n_rows: NotRequired[int]
    message: NotRequired[str]


class Webhook(TypedDict):
    """A webhook, and why it was switched off."""

    webhook: Id
    name: str
    reason: str


class Reaction(TypedDict):
    """A reaction that went off, at one site or all (None), and why."""

    reaction: str
    site: Id | None
    reason: str


# By kind, or by how kinds begin; the longest counts.
BODIES: Final[dict[str, Any]] = {
    "alarm.": Alarm,
    "command.": Command,
    "rule.": Rule,
    "rule.progress": Backtest,
    "rule.backtested": Backtest,
    "rule.taken": RulesTaken,
    "rule.refused": RulesTaken,
    "plan.": Plan,
    "plan.invited": JointPlan,
    "plan.part": JointPlan,
    "plan.share": PlanShare,
    "experiment.": Experiment,
    "grades.": GradeSet,
    "task.": Task,
    "reaction.": Reaction,
    "bid.": Bid,
    "bid.altered": Task,
    "bid.closed": Task,
    "bid.opening": Task,
    "bid.missing": Task,
    "bid.contested": Task,
    "bid.uncontested": Task,
    "contract.": Contract,
    "milestone.": Milestone,
    "session.": Session,
    "assignment.": Assignment,
    "agreement.": Agreement,
    "rights.agreement_": Agreement,
    "rights.delegation_changed": Delegation,
    "rights.member_": Member,
    "rights.session_ended": Member,
    "rights.key_": Key,
    "rights.organisation_": Organisation,
    "booking.": Booking,
    "equipment.": Relocation,
    "stock.": StockMove,
    "usage.": Budget,
    "readings.removed": Removal,
    "readings.retention_set": Retention,
    "handover.": Handover,
    "export.": Export,
    "webhook.": Webhook,
}


def body_of(kind: str) -> Any:
    """The TypedDict of the bodies of these events; LookupError if nobody has said what they say."""
    beginnings = [beginning for beginning in BODIES if kind.startswith(beginning)]
    if not beginnings:
        raise LookupError(kind)
    return BODIES[max(beginnings, key=len)]
