"""The statement of a contract: what was agreed, received, invoiced, paid, and what it all rests on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from marketplace.contracts import queries
from marketplace.lifecycle import ClaimState
from marketplace.models import Claim, Contract, Milestone, RemoteSession
from marketplace.sessions.queries import sessions_with_logs
from optimization.api import csv_bytes
from tenants.api import require
from tenants.ledger.api import entries_where
from tenants.metering.api import usage_events

MOST_USES: Final = 200
MOST_ENTRIES: Final = 100
NAMING_AGREEMENTS: Final = ("contract.written", "contract.reopened", "task.claimed", "task.extended", "task.reopened")
COLUMNS: Final = (
    *("number", "title", "state", "accepted_at", "agreed_minor", "received_minor", "tax_minor", "accrued_minor"),
    *("payable_minor", "retained_minor", "paid_minor", "invoice", "milestone", "minutes", "rate_minor"),
    *("submission", "evidence_words", "evidence_passed", "entries"),
)


@dataclass(frozen=True, slots=True)
class SessionLine:
    """The session that a line is about: its minutes by its log, at `rate_minor` for each."""

    session: UUID
    number: int
    minutes: int
    rate_minor: int
    log: list[UUID]
    uses: list[UUID]
    ledger_entries: list[UUID]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One milestone, in minor units of the contract's currency; `ledger_entries` prove its steps, newest first."""

    milestone: UUID
    number: int
    title: str
    state: str
    due_at: datetime
    accepted_at: datetime | None
    agreed_minor: int
    received_minor: int
    tax_minor: int
    accrued_minor: int
    payable_minor: int
    retained_minor: int
    paid_minor: int
    invoice: str
    submission: UUID | None
    evidence: dict[str, Any] | None
    ledger_entries: list[UUID]
    session: SessionLine | None

    @property
    def minutes(self) -> int | None:
        return self.session.minutes if self.session else None

    @property
    def evidence_words(self) -> str:
        return self.evidence["words"] if self.evidence else ""

    @property
    def evidence_passed(self) -> bool | None:
        return self.evidence["passed"] if self.evidence else None

    @property
    def entries(self) -> str:
        return " ".join(map(str, self.ledger_entries))

    @property
    def rate_minor(self) -> int | None:
        return self.session.rate_minor if self.session else None


@dataclass(frozen=True, slots=True)
class ContractStatement:
    """`uses` are the usage events of the reader's organisation: about the task or its sessions, or under one of the
    agreements that the contract or its claim has had, the newest MOST_USES; `has_more_uses` if there are older ones."""

    contract: UUID
    task: UUID
    agreement: UUID
    title: str
    state: str
    owner_name: str
    firm_name: str
    currency: str
    price_minor: int
    lines: list[StatementLine]
    ledger_entries: list[UUID]
    uses: list[Any] = field(default_factory=list)
    has_more_uses: bool = False

    def total(self, name: str) -> int:
        return sum(getattr(line, f"{name}_minor") for line in self.lines)

    @property
    def totals(self) -> dict[str, int]:
        names = ("agreed", "received", "tax", "accrued", "payable", "retained", "paid")
        return {f"{name}_minor": self.total(name) for name in names}


def statement_of(contract: Contract) -> ContractStatement:
    """What either party reads of it; each sees the entries of its own ledger and its own uses."""
    require("view_usage")
    balances = queries.balances_by_milestone(contract)
    held = {session.milestone_id: session for session in sessions_with_logs(contract)}
    uses = list(_uses(contract, held.values()))
    return ContractStatement(
        contract=contract.pk,
        task=contract.task_id,
        agreement=contract.agreement_id,
        title=contract.title,
        state=contract.state,
        owner_name=contract.owner_name,
        firm_name=contract.firm_name,
        currency=contract.currency,
        price_minor=contract.price_minor,
        lines=[
            _line(milestone, balances, _session(held.get(milestone.pk), uses))
            for milestone in queries.milestones_of(contract)
        ],
        ledger_entries=_entries([contract.pk, contract.task_id]),
        uses=uses[:MOST_USES],
        has_more_uses=len(uses) > MOST_USES,
    )


def as_csv(statement: ContractStatement) -> bytes:
    """A row for each milestone, and their sums."""
    rows = [[getattr(line, name) for name in COLUMNS] for line in statement.lines]
    sums = [statement.totals.get(name, "") for name in COLUMNS]
    return csv_bytes((*COLUMNS, "currency"), [[*row, statement.currency] for row in [*rows, sums]])


def _session(session: RemoteSession | None, uses: Iterable[Any]) -> SessionLine | None:
    if session is None:
        return None
    log = list(session.entries.all())
    return SessionLine(
        session=session.pk,
        number=session.number,
        minutes=sum(entry.minutes for entry in log),
        rate_minor=session.rate_minor,
        log=[entry.pk for entry in log],
        uses=[use.pk for use in uses if use.subject_id == str(session.pk)],
        ledger_entries=_entries([session.pk]),
    )


def _line(milestone: Milestone, balances: dict[tuple[object, str], int], session: SessionLine | None) -> StatementLine:
    def on(account: str) -> int:
        return balances.get((milestone.pk, account), 0)

    submission = next(reversed(milestone.submissions.all()), None)
    live = [line for line in milestone.invoice_lines.all() if line.invoice.state != line.invoice.State.RETURNED]
    return StatementLine(
        milestone=milestone.pk,
        number=milestone.number,
        title=milestone.title,
        state=milestone.state,
        due_at=milestone.due_at,
        accepted_at=milestone.accepted_at,
        agreed_minor=milestone.amount_minor,
        received_minor=on("work_in_progress"),
        tax_minor=on("tax"),
        accrued_minor=-on("accrued"),
        payable_minor=-on("payable"),
        retained_minor=-on("retention"),
        paid_minor=-on("cash"),
        invoice=live[-1].invoice.number if live else "",
        submission=submission and submission.pk,
        evidence=submission and submission.evidence,
        ledger_entries=_entries([milestone.pk]),
        session=session,
    )


def _entries(subjects: Iterable[UUID]) -> list[UUID]:
    found: list[UUID] = []
    for subject in subjects:
        found += entries_where(subject=subject).values_list("pk", flat=True)[:MOST_ENTRIES]
    return found


def _uses(contract: Contract, held: Iterable[RemoteSession]) -> Any:
    about = Q(subject_kind="task", subject_id=str(contract.task_id)) | Q(agreement__in=_agreements(contract))
    about |= Q(subject_kind="session", subject_id__in=[str(session.pk) for session in held])
    return usage_events().filter(about).order_by("-pk")[: MOST_USES + 1]


def _agreements(contract: Contract) -> set[UUID]:
    """All that it or its claim has had, by the reader's ledger: rework and disputes end one and begin another. Those of
    earlier claims on the task are not its own."""
    claim = Claim.objects.filter(task=contract.task_id, state=ClaimState.COMPLETED).first()
    entries = [*entries_where(subject=contract.pk), *entries_where(subject=contract.task_id)]
    said = [json.loads(entry.payload) for entry in entries if entry.kind in NAMING_AGREEMENTS]
    own = [each for each in said if claim is None or each.get("claim") in (None, str(claim.pk))]
    return {contract.agreement_id, *(UUID(each["agreement"]) for each in own)}
