"""The reads of agreements, under the open identity."""

from typing import Any
from uuid import UUID

from django.db.models import F, Prefetch, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from tenants import access
from tenants.agreements.lifecycle import FINAL, Side, State, Step, possible_steps, state_of, table_of
from tenants.agreements.steps import side_of
from tenants.models import Agreement, AgreementVersion, Clause, Signature

OVER = Q(ends_at__lte=Now()) & ~Q(status__in=FINAL)
CURRENT = Clause.objects.filter(version__number=F("agreement__version")).order_by("pk")
SIGNED = Signature.objects.filter(version__number=F("agreement__version")).select_related("version").order_by("pk")


def agreements(*, status: str = "", kind: str = "", partner: UUID | None = None) -> QuerySet[Agreement]:
    """Those that the organisation is a party to, with what is on the table; `partner` is the other party."""
    me = access.actor().tenant_id
    rows = Agreement.objects.filter(Q(tenant=me) | Q(partner=me))
    if partner is not None:
        rows = rows.filter(Q(tenant=partner) | Q(partner=partner))
    if kind:
        rows = rows.filter(kind=kind)
    if status:
        rows = rows.filter(OVER) if status == State.EXPIRED else rows.filter(~OVER, status=status)
    return with_parts(rows)


def with_parts(rows: QuerySet[Agreement]) -> QuerySet[Agreement]:
    """With the clauses of the version on the table or in force, as `current_clauses`, and its signatures."""
    clauses: Prefetch[Any] = Prefetch("clauses", CURRENT.all(), to_attr="current_clauses")
    signed: Prefetch[Any] = Prefetch("signatures", SIGNED.all(), to_attr="current_signatures")
    return rows.prefetch_related(clauses, signed)


def versions(agreement: Agreement) -> QuerySet[AgreementVersion]:
    """Every version that the organisation may see, with its clauses."""
    clauses: Prefetch[Any] = Prefetch("clauses", Clause.objects.order_by("pk"))
    return AgreementVersion.objects.filter(agreement=agreement).prefetch_related(clauses)


def current_clauses(agreement: Agreement) -> QuerySet[Clause]:
    """Those of the version on the table or in force."""
    return CURRENT.filter(agreement=agreement)


def standing(agreement: Agreement) -> State:
    """What its status means now."""
    return state_of(agreement.status, agreement.ends_at, timezone.now())


def steps_of(agreement: Agreement) -> list[Step]:
    """What the actor's party may do now with a row of `agreements`: who has signed does not sign again."""
    side = side_of(agreement)
    party = agreement.tenant_id if side == Side.OWNER else agreement.partner_id
    has_signed = party in {signature.party_id for signature in agreement.current_signatures}
    steps = possible_steps(table_of(agreement.kind), standing(agreement), side)
    return [step for step in steps if step != Step.SIGN or not has_signed]
