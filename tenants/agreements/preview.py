"""What clauses would open, by table and count, before anybody signs. Only the owner counts: the rows are theirs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet

from tenants.context import opened
from tenants.models import Clause, Equipment, Site
from tenants.models.shared import SharedModel, shared_models
from tenants.reads.live_grants import ANY_PERMISSION

COUNT_BOUND: Final = 10_000


@dataclass(frozen=True, slots=True)
class Opening:
    """Rows of one table that a clause opens: at least `n_rows` if `is_more`; None where the reader is not the owner.

    `is_figures_only`: no single row is seen, only figures over enough of them.
    """

    table: str
    n_rows: int | None
    is_more: bool
    hidden: list[str]
    delay_s: int
    is_figures_only: bool


@dataclass(frozen=True, slots=True)
class ClausePreview:
    clause: Clause
    openings: list[Opening]


def preview_of(clauses: Iterable[Clause]) -> list[ClausePreview]:
    """In the order of the clauses, which need not be saved."""
    return [ClausePreview(clause, list(_openings(clause))) for clause in clauses]


def _openings(clause: Clause) -> Iterator[Opening]:
    for model in shared_models():
        if model.shared_by != ANY_PERMISSION and model.shared_by not in clause.permissions:
            continue
        found = _count(model, clause) if clause.tenant_id == opened().tenant_id else None
        if found != 0:
            yield Opening(
                table=str(model._meta.verbose_name_plural),
                n_rows=None if found is None else min(found, COUNT_BOUND),
                is_more=found is not None and found > COUNT_BOUND,
                hidden=sorted(set(clause.field_mask).intersection(model.maskable)),
                delay_s=clause.delay_s,
                is_figures_only=bool(clause.floor_n) and model.shared_singly,
            )


def _count(model: type[SharedModel], clause: Clause) -> int:
    """Up to one more than the bound, so that a table of any length costs the same."""
    return _rows(model, clause)[: COUNT_BOUND + 1].count()


def _rows(model: type[SharedModel], clause: Clause) -> QuerySet[Any]:
    own = model.objects.filter(tenant=clause.tenant_id)
    if model is Site and clause.equipment_id is not None:
        return own.filter(pk__in=[machine.site_id for machine in Equipment.objects.filter(pk=clause.equipment_id)])
    through = f"{model.shared_through}__" if model.shared_through else ""
    holder = model._meta.get_field(model.shared_through).related_model if through else model
    column = holder.shared_place[0] if clause.site_id else holder.shared_place[1]
    return own.filter(**{f"{through}{column}": clause.site_id or clause.equipment_id})
