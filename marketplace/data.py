"""What a service task is made of, checked at birth: the one place that knows which values are acceptable."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeGuard
from uuid import UUID

from marketplace.acceptance import AcceptanceRule
from marketplace.lifecycle import Mode
from tenants.data import FieldError, Invalid, time_errors
from tenants.roles import SITE_PERMISSIONS

CATEGORIES: Final = {
    "equipment_maintenance": "Equipment maintenance",
    "system_upgrade": "System upgrade",
    "planning": "Planning",
    "engineering_construction": "Engineering and construction",
    "remote_consultation": "Remote consultation",
    "geological_modelling": "Geological modelling",
    "reserve_estimate": "Reserve estimate",
    "design": "Design",
    "training": "Training",
}
VISIBILITIES: Final = {
    "public": "Every organisation",
    "invited": "Invited organisations",
    "partners": "Partners with an agreement in force",
}
SCOPES: Final = ("own", "market", "work", "claimed")
TITLE_CHARS: Final = 200
DESCRIPTION_CHARS: Final = 10_000
NOTE_CHARS: Final = 10_000
ACCESS_H: Final = 24 * 366
# Who says nothing for so many days has accepted: the work of a claim, the minutes of a session.
ANSWER_D: Final = 7
FREEZE_H: Final = 72
FEE_MINOR: Final = 10**15
RETENTION_BP: Final = 5_000
WHOLE_BP: Final = 10_000
INVITED: Final = 50
OPENERS: Final = 10
STANDSTILL_H: Final = 720
WARRANTY_D: Final = 3_660
DEADLINE_YEARS: Final = 5
DUE_D: Final = 3_660
MILESTONES: Final = 50
MODES: Final = {
    Mode.CLAIM: "Direct claim: the first firm has it",
    Mode.QUOTATION: "Open quotation: bids are read as they come",
    Mode.TENDER: "Sealed tender: bids are opened after the deadline",
}


@dataclass(frozen=True, slots=True)
class TaskTerms:
    """What the poster offers. `opens` are site permissions, for at most `access_h` hours from the claim.

    `fee_minor` is in the currency's minor units (cents), `currency` three capital letters (ISO 4217). `invited` are ids
    of organisations. With a `framework` the task is a call-off of it, and its partner alone sees it. What the rest
    means stands with the model, ServiceTask. Raises Invalid with a pointer for each value that is not acceptable.
    """

    title: str
    category: str
    description: str = ""
    opens: tuple[str, ...] = ()
    access_h: int = 72
    fee_minor: int = 0
    currency: str = "USD"
    mode: str = Mode.CLAIM.value
    visibility: str = "public"
    invited: tuple[UUID, ...] = ()
    bids_until: datetime | None = None
    openers_needed: int = 1
    standstill_h: int = 0
    milestones: Sequence[Mapping[str, Any]] = ()
    retention_bp: int = 0
    warranty_d: int = 0
    acceptance: Mapping[str, Any] | None = None
    framework: UUID | None = None

    def __post_init__(self) -> None:
        errors = (
            *self._words(),
            *self._numbers(),
            *self._ways(),
            *self._readers(),
            *_milestone_errors(self.milestones),
        )
        errors += tuple(_acceptance_errors(self.acceptance))
        if errors:
            raise Invalid("Some terms of the task are not acceptable.", errors)

    def _words(self) -> Iterator[FieldError]:
        if not self.title.strip() or len(self.title) > TITLE_CHARS:
            yield FieldError("/title", f"give 1 to {TITLE_CHARS} characters")
        if len(self.description) > DESCRIPTION_CHARS:
            yield FieldError("/description", f"give at most {DESCRIPTION_CHARS} characters")
        if self.category not in CATEGORIES:
            yield FieldError("/category", f"use one of {', '.join(CATEGORIES)}")
        for permission in self.opens:
            if permission not in SITE_PERMISSIONS:
                yield FieldError("/opens", f"{permission[:40]!r} is none of {', '.join(SITE_PERMISSIONS)}")
        if not (len(self.currency) == 3 and self.currency.isascii() and self.currency.isupper()):
            yield FieldError("/currency", "give three capital letters (ISO 4217), such as USD")

    def _numbers(self) -> Iterator[FieldError]:
        for name, least, most, unit in BOUNDS:
            if not least <= getattr(self, name) <= most:
                yield FieldError(f"/{name}", f"give {least} to {most} {unit}")

    def _ways(self) -> Iterator[FieldError]:
        """How it finds its firm."""
        if self.mode not in MODES:
            yield FieldError("/mode", f"use one of {', '.join(MODES)}")
        elif self.mode == Mode.CLAIM and self.bids_until is not None:
            yield FieldError("/bids_until", "a claim has no deadline for bids; leave it out")
        elif self.mode != Mode.CLAIM and (self.bids_until is None or self.bids_until.tzinfo is None):
            yield FieldError("/bids_until", "say until when firms may bid, with the time zone")
        else:
            yield from time_errors("/bids_until", self.bids_until)
        if self.framework is not None and self.mode != Mode.CLAIM:
            yield FieldError("/framework", "only a direct claim is a call-off; leave it out")

    def _readers(self) -> Iterator[FieldError]:
        """Who may see it."""
        if self.visibility not in VISIBILITIES:
            yield FieldError("/visibility", f"use one of {', '.join(VISIBILITIES)}")
        if len(self.invited) > INVITED:
            yield FieldError("/invited", f"invite at most {INVITED} organisations")
        if self.framework is None and (self.visibility == "invited") != bool(self.invited):
            yield FieldError("/invited", "name whom you invite if the invited alone are to see it, and only then")
        if self.framework is not None and self.invited:
            yield FieldError("/invited", "a call-off is for its framework's partner; leave it out")


BOUNDS: Final = (
    ("access_h", 1, ACCESS_H, "hours"),
    ("fee_minor", 0, FEE_MINOR, "minor units"),
    ("openers_needed", 1, OPENERS, "persons"),
    ("standstill_h", 0, STANDSTILL_H, "hours"),
    ("retention_bp", 0, RETENTION_BP, "basis points"),
    ("warranty_d", 0, WARRANTY_D, "days"),
)


def _milestone_errors(milestones: Sequence[Mapping[str, Any]]) -> Iterator[FieldError]:
    if len(milestones) > MILESTONES:
        yield FieldError("/milestones", f"give at most {MILESTONES}")
        return
    for n, milestone in enumerate(milestones):
        title = milestone.get("title")
        if not isinstance(title, str) or not title.strip() or len(title) > TITLE_CHARS:
            yield FieldError(f"/milestones/{n}/title", f"give 1 to {TITLE_CHARS} characters")
        for name, least, most in (("share_bp", 1, WHOLE_BP), ("due_d", 0, DUE_D)):
            if not _is_whole(milestone.get(name), least, most):
                yield FieldError(f"/milestones/{n}/{name}", f"give a whole number from {least} to {most}")
    shares = [share for milestone in milestones if _is_whole(share := milestone.get("share_bp"), 1, WHOLE_BP)]
    if shares and len(shares) == len(milestones) and sum(shares) != WHOLE_BP:
        yield FieldError("/milestones", f"shares sum to {WHOLE_BP} basis points, these to {sum(shares)}")


def _acceptance_errors(acceptance: Mapping[str, Any] | None) -> Iterator[FieldError]:
    if acceptance is None:
        return
    try:
        AcceptanceRule.from_document(acceptance)
    except Invalid as refusal:
        yield from refusal.errors


def _is_whole(value: Any, least: int, most: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
