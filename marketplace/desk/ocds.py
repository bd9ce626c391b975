"""A task as a release of the Open Contracting Data Standard, version 1.1 (standard.open-contracting.org/1.1).

What the reader may read of the task: its tender always, award and contract to its parties only.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urljoin
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from marketplace.contracts.lifecycle import ContractState
from marketplace.data import CATEGORIES
from marketplace.lifecycle import ClaimState, Mode, State
from marketplace.models import (
    Bid,
    Contract,
    JournalEntry,
    Milestone,
    ServiceTask,
    TaskAttachment,
    TaskQuestion,
)
from tenants.money import in_units

VERSION: Final = "1.1"
STATUS: Final = {
    State.DRAFT: "planning",
    **dict.fromkeys((State.OPEN, State.SEALED_CLOSED, State.OPENED, State.EVALUATING), "active"),
    State.CANCELLED: "cancelled",
    State.UNSUCCESSFUL: "unsuccessful",
}
# By visibility: who may take part.
METHOD: Final = {"public": "open", "invited": "selective", "partners": "limited"}
DETAILS: Final = {Mode.CLAIM: "Direct claim", Mode.QUOTATION: "Open quotation", Mode.TENDER: "Sealed tender"}
CLAIM_STATUS: Final = {ClaimState.LIVE: "active", ClaimState.COMPLETED: "terminated"}
# The standard's word for a contract that is over, whichever way it ended.
CONTRACT_STATUS: Final = dict.fromkeys((ContractState.CLOSED, ContractState.TERMINATED), "terminated")
# What is new in an award or a contract, by its status.
AWARD_TAGS: Final = {"cancelled": "awardCancellation"}
CONTRACT_TAGS: Final = {"terminated": ["contract", "contractTermination"]}
DIGEST_CHARS: Final = 16
Section = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What the reader may read of a task: `contract`, with its milestones, and `won`, the bid that has won, are None
    where they are no party to them. `payments` with their lines, where the reader sees what is paid; `annulled_at`:
    when an award was taken back, unless there has been another since."""

    task: ServiceTask
    files: Sequence[TaskAttachment]
    questions: Sequence[TaskQuestion]
    contract: Contract | None
    milestones: Sequence[Milestone]
    won: Bid | None
    payments: Sequence[JournalEntry] = ()
    annulled_at: datetime | None = None


def package_of(told: Iterable[Told], address: str, publisher: str, older: str = "") -> Section:
    """A release package with a release for each task, as served at `address`; `older` is the next one's address."""
    return {
        "uri": address,
        "version": VERSION,
        "publishedDate": _moment(datetime.now(UTC)),
        "publisher": {"name": publisher},
        "releases": [_release(each, address) for each in told],
        **({"links": {"next": older}} if older else {}),
    }


def _release(told: Told, address: str) -> Section:
    """Its id follows from what it says: what says something else is another release. `address`: of its package."""
    task = told.task
    owner = {"id": str(task.tenant_id), "name": task.snapshot["owner_name"]}
    taken = _contracted(told) or _awarded(told) or _claimed(task)
    suppliers = [firm for award in taken.get("awards", ()) for firm in award.get("suppliers", ())]
    firms = [{**firm, "roles": ["supplier"]} for firm in suppliers]
    documents = _unless_empty("documents", [_document(file, address) for file in told.files])
    body = {
        "date": _moment(max(_moments(told))),
        "tag": _tags(task, taken),
        "initiationType": "tender",
        "language": "en",
        "parties": [{**owner, "roles": ["buyer", "procuringEntity"]}, *firms],
        "buyer": owner,
        "tender": _tender(task, told.questions) | documents | {"procuringEntity": owner},
        **taken,
    }
    digest = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:DIGEST_CHARS]
    return {"ocid": f"{settings.OCDS_PREFIX}-{task.pk}", "id": f"{task.pk}-{task.version}-{digest}", **body}


def _moments(told: Told) -> Iterator[datetime]:
    """When something of the release changed."""
    yield told.task.updated_at
    yield from (file.added_at for file in told.files)
    yield from (question.answered_at or question.asked_at for question in told.questions)
    found = [told.annulled_at, *(milestone.accepted_at for milestone in told.milestones)]
    if told.won is not None:
        found.append(told.won.decided_at)
    if told.contract is not None:
        found += [told.contract.written_at, told.contract.closed_at]
    yield from (at for at in found if at)
    yield from (payment.created_at for payment in told.payments)


def _tender(task: ServiceTask, questions: Sequence[TaskQuestion]) -> Section:
    said = _period(task.published_at, task.bids_until)
    return {
        "id": str(task.pk),
        "title": task.title,
        "description": task.description,
        "status": STATUS.get(State(task.state), "complete"),
        "value": _value(task.fee_minor, task.currency),
        "procurementMethod": METHOD[task.visibility],
        "procurementMethodDetails": DETAILS[Mode(task.mode)],
        "mainProcurementCategory": "services",
        "additionalProcurementCategories": [CATEGORIES[task.category]],
        "submissionMethod": ["electronicSubmission"],
        "hasEnquiries": bool(questions),
        **({"tenderPeriod": said, "enquiryPeriod": said} if said else {}),
        **_unless_empty("milestones", [_milestone(n, each) for n, each in enumerate(task.milestones, 1)]),
    }


def _claimed(task: ServiceTask) -> Section:
    """Award and contract of a claim, where the reader is a party to it."""
    claim = task.claim
    if claim is None:
        return {}
    award = _award(task, claim.tenant_id, claim.firm_name, claim.claimed_at, _value(task.fee_minor, task.currency))
    status = CLAIM_STATUS[ClaimState(claim.state)]
    until = claim.ended_at or claim.lease_until
    return _signed(task, award, status, (claim.claimed_at, until), milestones=())


def _contracted(told: Told) -> Section:
    contract = told.contract
    if contract is None:
        return {}
    value = _value(contract.price_minor, contract.currency)
    award = _award(told.task, contract.firm_id, contract.firm_name, contract.written_at, value)
    status = CONTRACT_STATUS.get(ContractState(contract.state), "active")
    period = (contract.written_at, contract.closed_at)
    found = _signed(told.task, award, status, period, told.milestones)
    paid = [_transaction(contract, payment) for payment in told.payments]
    if paid:
        found["contracts"][0]["implementation"] = {"transactions": paid}
    return found


def _transaction(contract: Contract, payment: JournalEntry) -> Section:
    amount = sum(line.amount_minor for line in payment.lines.all() if line.account == "payable")
    return {
        "id": str(payment.pk),
        "source": payment.reference,
        "date": _moment(payment.created_at),
        "value": _value(amount, contract.currency),
        "payer": {"id": str(contract.tenant_id), "name": contract.owner_name},
        "payee": {"id": str(contract.firm_id), "name": contract.firm_name},
    }


def _awarded(told: Told) -> Section:
    """In the standstill: the award waits for it, and there is no contract yet. One that was annulled is cancelled."""
    bid = told.won
    if bid is None and told.annulled_at is not None:
        said = {"title": told.task.title, "status": "cancelled", "date": _moment(told.annulled_at)}
        return {"awards": [{"id": f"{told.task.pk}-award", **said}]}
    if bid is None or bid.content is None or bid.decided_at is None:
        return {}
    value = _value(bid.content.price_minor, bid.content.currency)
    award = _award(told.task, bid.tenant_id, bid.firm_name, bid.decided_at, value)
    return {"awards": [award | {"status": "pending"}]}


def _award(task: ServiceTask, firm_id: UUID, firm_name: str, at: datetime, value: Section) -> Section:
    supplier = {"id": str(firm_id), "name": firm_name}
    said = {"title": task.title, "status": "active", "date": _moment(at), "value": value, "suppliers": [supplier]}
    return {"id": f"{task.pk}-award", **said}


def _signed(
    task: ServiceTask,
    award: Section,
    status: str,
    period: tuple[datetime, datetime | None],
    milestones: Sequence[Milestone],
) -> Section:
    """A task has one contract at most, so its id stays the same from release to release."""
    contract = {
        "id": f"{task.pk}-contract",
        "awardID": award["id"],
        "title": award["title"],
        "status": status,
        "value": award["value"],
        "period": _period(*period),
        "dateSigned": _moment(period[0]),
        **_unless_empty("milestones", [_of_contract(each) for each in milestones]),
    }
    return {"awards": [award], "contracts": [contract]}


def _of_contract(milestone: Milestone) -> Section:
    is_met = milestone.accepted_at is not None
    said = {"title": milestone.title, "type": "delivery", "dueDate": _moment(milestone.due_at)}
    met = {"status": "met", "dateMet": _moment(milestone.accepted_at)} if is_met else {"status": "scheduled"}
    return {"id": str(milestone.number), **said, **met}


def _tags(task: ServiceTask, taken: Section) -> list[str]:
    tags = [{"draft": "planning", "cancelled": "tenderCancellation"}.get(task.state, "tender")]
    for award in taken.get("awards", ()):
        tags.append(AWARD_TAGS.get(award["status"], "award"))
    for contract in taken.get("contracts", ()):
        tags += CONTRACT_TAGS.get(contract["status"], ["contract"])
        tags += ["implementation"] if "implementation" in contract else []
    return tags


def _value(minor: int, currency: str) -> Section:
    return {"amount": in_units(minor, currency), "currency": currency}


def _period(begins_at: datetime | None, ends_at: datetime | None) -> Section:
    ends = {"startDate": begins_at, "endDate": ends_at}
    return {name: _moment(at) for name, at in ends.items() if at is not None}


def _document(file: TaskAttachment, address: str) -> Section:
    """Its `url` is beside the package's `address` and takes a credential, as that does."""
    return {
        "id": str(file.pk),
        "url": urljoin(address, reverse("service-task-attachment-detail", args=[file.task_id, file.pk])),
        "title": file.name,
        "format": file.media_type,
        "datePublished": _moment(file.added_at),
    }


def _milestone(n: int, milestone: Section) -> Section:
    words = f"{milestone['share_bp'] / 100:g} % of the price, {milestone['due_d']} days from the contract"
    return {"id": str(n), "title": milestone["title"], "type": "delivery", "description": words, "status": "scheduled"}


def _unless_empty(name: str, found: list[Section]) -> Section:
    return {name: found} if found else {}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
