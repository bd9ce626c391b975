"""Who may see what, by which clause, and whether now: the reads, under the open identity."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from tenants import access
from tenants.agreements.queries import CURRENT
from tenants.models import Agreement, Clause, Delegation
from tenants.sharing.standing import Asker, Reason, Terms, why_not

ACTIVE = Q(agreement__status=Agreement.Status.ACTIVE) & (Q(agreement__ends_at=None) | Q(agreement__ends_at__gt=Now()))
IN_FORCE = ACTIVE & Q(during__contains=Now())


@dataclass(frozen=True, slots=True)
class Way:
    """One permission that a clause gives on its place, and why it doesn't now; `ends_at` is the earliest end."""

    clause: Clause
    permission: str
    ends_at: datetime | None
    why_not: tuple[Reason, ...]

    @property
    def in_force(self) -> bool:
        return not self.why_not


def delegation_of(agreement: Agreement) -> Delegation | None:
    """None: every member of the actor's organisation uses it."""
    return Delegation.objects.filter(agreement=agreement).first()


def clauses(
    *,
    side: str = "given",
    state: str = "in_force",
    partner: UUID | None = None,
    permission: str = "",
    q: str = "",
    **exact: Any,
) -> QuerySet[Clause]:
    """What the organisation opens (`given`) or was opened (`received`), of the versions on the table or in force.

    `state`: in_force, not_in_force or all; `partner`: the other party; `q`: in names of places, parties and titles.
    """
    me = access.actor().tenant_id
    found = CURRENT.filter(tenant=me) if side == "given" else CURRENT.filter(agreement__partner=me)
    if state != "all":
        found = found.filter(IN_FORCE) if state == "in_force" else found.exclude(IN_FORCE)
    if partner is not None:
        found = found.filter(Q(tenant=partner) | Q(agreement__partner=partner))
    if permission:
        found = found.filter(permissions__contains=[permission])
    if q:
        found = found.filter(_mentions(q))
    return found.filter(**exact).select_related("agreement", "version")


def purposes_in_force() -> list[str]:
    """What the actor may state that it works for, to see more: purposes of clauses that are in force for it."""
    rows = list(clauses(side="received").exclude(purpose=""))
    delegations, actor = _delegations(rows) if rows else {}, access.actor()
    return sorted(
        {
            row.purpose
            for row in rows
            if (given := delegations.get(row.agreement_id)) is None or given.includes(actor.roles, actor.user_id)
        }
    )


def ways_of(found: Iterable[Clause], permissions: Collection[str] = (), *, asking: bool = False) -> list[Way]:
    """The clauses permission by permission; `asking`: for the actor, else for the partner as a whole."""
    rows = list(found)
    delegations = _delegations(rows) if asking else {}
    return [
        _way(clause, permission, delegations, asking)
        for clause in rows
        for permission in clause.permissions
        if not permissions or permission in permissions
    ]


def _mentions(q: str) -> Q:
    names = ("code", "name", "agreement__title", "agreement__partner_name", "agreement__owner_name")
    return Q(*(Q(**{f"{name}__icontains": q}) for name in names), _connector=Q.OR)


def _delegations(rows: Iterable[Clause]) -> dict[UUID, Delegation]:
    found = Delegation.objects.filter(agreement__in={clause.agreement_id for clause in rows})
    return {row.agreement_id: row for row in found}


def _way(clause: Clause, permission: str, delegations: dict[UUID, Delegation], asking: bool) -> Way:
    agreement, during = clause.agreement, clause.during
    terms = Terms(agreement.status, agreement.ends_at, during.lower, during.upper, clause.purpose)
    asker = _asker(delegations.get(clause.agreement_id), permission) if asking else None
    ends = [moment for moment in (agreement.ends_at, during.upper) if moment is not None]
    return Way(clause, permission, min(ends, default=None), why_not(terms, timezone.now(), asker))


def _asker(delegation: Delegation | None, permission: str) -> Asker:
    actor = access.actor()
    is_delegated = delegation is None or delegation.includes(actor.roles, actor.user_id)
    return Asker(actor.purpose, is_delegated, actor.can(permission))
