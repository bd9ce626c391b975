"""A task as a release of the Open Contracting Data Standard, version 1.1 (standard.open-contracting.org/1.1).

What the reader may read of the task: its tender always, award and contract of a claim to its parties only.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings

from marketplace.data import CATEGORIES
from marketplace.lifecycle import ClaimState, Mode, State
from marketplace.models import Claim, ServiceTask, TaskAttachment, TaskQuestion
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
CONTRACT_STATUS: Final = {ClaimState.LIVE: "active", ClaimState.COMPLETED: "terminated"}
Section = dict[str, Any]


def package_of(
    task: ServiceTask, files: Sequence[TaskAttachment], questions: Sequence[TaskQuestion], address: str
) -> Section:
    """A release package with one release, as served at `address`."""
    publisher = {"name": task.snapshot["owner_name"]}
    shown_at = _moment(datetime.now(UTC))
    release = _release(task, files, questions)
    return {
        "uri": address,
        "version": VERSION,
        "publishedDate": shown_at,
        "publisher": publisher,
        "releases": [release],
    }


def _release(task: ServiceTask, files: Sequence[TaskAttachment], questions: Sequence[TaskQuestion]) -> Section:
    owner = {"id": str(task.tenant_id), "name": task.snapshot["owner_name"]}
    # Bids and contracts add their awards and contracts to those of a claim here.
    taken = _taken(task, task.claim)
    firms = [{**firm, "roles": ["supplier"]} for award in taken.get("awards", ()) for firm in award["suppliers"]]
    return {
        "ocid": f"{settings.OCDS_PREFIX}-{task.pk}",
        "id": f"{task.pk}-{task.version}",
        "date": _moment(task.updated_at),
        "tag": _tags(task, taken),
        "initiationType": "tender",
        "language": "en",
        "parties": [{**owner, "roles": ["buyer", "procuringEntity"]}, *firms],
        "buyer": owner,
        "tender": _tender(task, files, questions) | {"procuringEntity": owner},
        **taken,
    }


def _tender(task: ServiceTask, files: Iterable[TaskAttachment], questions: Sequence[TaskQuestion]) -> Section:
    period = {"startDate": task.published_at, "endDate": task.bids_until}
    said = {name: _moment(at) for name, at in period.items() if at is not None}
    return {
        "id": str(task.pk),
        "title": task.title,
        "description": task.description,
        "status": STATUS.get(State(task.state), "complete"),
        "value": _value(task),
        "procurementMethod": METHOD[task.visibility],
        "procurementMethodDetails": DETAILS[Mode(task.mode)],
        "mainProcurementCategory": "services",
        "additionalProcurementCategories": [CATEGORIES[task.category]],
        "submissionMethod": ["electronicSubmission"],
        "hasEnquiries": bool(questions),
        **({"tenderPeriod": said, "enquiryPeriod": said} if said else {}),
        **_unless_empty("documents", [_document(file) for file in files]),
        **_unless_empty("milestones", [_milestone(n, each) for n, each in enumerate(task.milestones, 1)]),
    }


def _taken(task: ServiceTask, claim: Claim | None) -> Section:
    """Award and contract of a claim, where the reader is a party to it."""
    if claim is None:
        return {}
    key = f"{task.pk}-claim-{claim.token}"
    period = {"startDate": _moment(claim.claimed_at), "endDate": _moment(claim.ended_at or claim.lease_until)}
    award = {
        "id": key,
        "title": task.title,
        "status": "active",
        "date": _moment(claim.claimed_at),
        "value": _value(task),
        "suppliers": [{"id": str(claim.tenant_id), "name": claim.firm_name}],
    }
    contract = {
        "id": str(claim.agreement_id),
        "awardID": key,
        "title": task.title,
        "status": CONTRACT_STATUS[ClaimState(claim.state)],
        "value": _value(task),
        "period": period,
    }
    return {"awards": [award], "contracts": [contract]}


def _tags(task: ServiceTask, taken: Section) -> list[str]:
    tender = {"draft": "planning", "cancelled": "tenderCancellation"}.get(task.state, "tender")
    return [tender, *(["award", "contract"] if taken else [])]


def _value(task: ServiceTask) -> Section:
    return {"amount": in_units(task.fee_minor, task.currency), "currency": task.currency}


def _document(file: TaskAttachment) -> Section:
    return {
        "id": str(file.pk),
        "title": file.name,
        "format": file.media_type,
        "datePublished": _moment(file.added_at),
    }


def _milestone(n: int, milestone: Section) -> Section:
    words = f"{milestone['share_bp'] / 100:g} % of the price, {milestone['due_d']} days from the award"
    return {"id": str(n), "title": milestone["title"], "type": "delivery", "description": words, "status": "scheduled"}


def _unless_empty(name: str, found: list[Section]) -> Section:
    return {name: found} if found else {}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
