"""The statement of a contract: what was agreed, received, invoiced, paid, and what it all rests on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from marketplace.contracts import queries
from marketplace.models import Contract, Milestone
from optimization.api import csv_bytes
from tenants.api import require
from tenants.ledger.api import entries_where
from tenants.metering.api import usage_events

MOST_USES: Final = 200
MOST_ENTRIES: Final = 100
NAMING_AGREEMENTS: Final = ("contract.written", "contract.reopened", "task.claimed", "task.reopened")
COLUMNS: Final = (
    *("number", "title", "state", "accepted_at", "agreed_minor", "received_minor", "tax_minor", "accrued_minor"),
    *("payable_minor", "retained_minor", "paid_minor", "invoice", "milestone"),
)


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


@dataclass(frozen=True, slots=True)
class ContractStatement:
    """`uses` are the usage events of the reader's organisation: about the task, or under one of the agreements that the
    contract or its claim has had, the newest MOST_USES; `has_more_uses` if there are older ones."""

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
    uses = list(_uses(contract))
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
        lines=[_line(milestone, balances) for milestone in queries.milestones_of(contract)],
        ledger_entries=_entries([contract.pk, contract.task_id]),
        uses=uses[:MOST_USES],
        has_more_uses=len(uses) > MOST_USES,
    )


def as_csv(statement: ContractStatement) -> bytes:
    """A row for each milestone, and their sums."""
    rows = [[getattr(line, name) for name in COLUMNS] for line in statement.lines]
    sums = [statement.totals.get(name, "") for name in COLUMNS]
    return csv_bytes((*COLUMNS, "currency"), [[*row, statement.currency] for row in [*rows, sums]])


def _line(milestone: Milestone, balances: dict[tuple[object, str], int]) -> StatementLine:
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
    )


def _entries(subjects: Iterable[UUID]) -> list[UUID]:
    found: list[UUID] = []
    for subject in subjects:
        found += entries_where(subject=subject).values_list("pk", flat=True)[:MOST_ENTRIES]
    return found


def _uses(contract: Contract) -> Any:
    about = Q(subject_kind="task", subject_id=str(contract.task_id)) | Q(agreement__in=_agreements(contract))
    return usage_events().filter(about).order_by("-pk")[: MOST_USES + 1]


def _agreements(contract: Contract) -> set[UUID]:
    """All that it has had, by the reader's ledger: rework and disputes end one and begin another."""
    entries = [*entries_where(subject=contract.pk), *entries_where(subject=contract.task_id)]
    said = [json.loads(entry.payload) for entry in entries if entry.kind in NAMING_AGREEMENTS]
    return {contract.agreement_id, *(UUID(each["agreement"]) for each in said)}
