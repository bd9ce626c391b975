"""The sweep that looks at rules of acceptance while the work goes on, and tells both parties of each change."""

from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Now

from marketplace.acceptance import Standing
from marketplace.acceptance_queries import standing_of
from marketplace.contracts.api import ContractState
from marketplace.history import enter_step
from marketplace.lifecycle import ClaimState, State
from marketplace.models import Claim, Contract, ServiceTask, Watch
from marketplace.moves import tell
from marketplace.queries import database_time
from marketplace.sweeping import in_turn
from tenants.api import as_platform

SWEEP_LIMIT = 200
# Of claims and contracts, as `marketplace.opening.is_open` has it.
IN_FORCE = Q(agreement__status="active") & (Q(agreement__ends_at=None) | Q(agreement__ends_at__gt=Now()))
# Of a standing, what the ledger takes: no floats.
ENTERED = ("stand", "since_at", "words")


def watch_due() -> int:
    """Look at each rule whose work goes on, the longest not looked at first. Returns how many changes were told.

    Their turn is noted before they are looked at, so that those which fail keep no other from its turn.
    """
    with _sweeping() as sweep:
        due = sorted(_watched().values_list("pk", "tenant")[:SWEEP_LIMIT])
        sweep.leaves_trace = bool(due)
        rows = [Watch(tenant_id=owner_id, task_id=task_id, checked_at=Now()) for task_id, owner_id in due]
        Watch.objects.bulk_create(
            rows, update_conflicts=True, update_fields=["checked_at"], unique_fields=["tenant", "task"]
        )
    return in_turn("rules of acceptance", [task_id for task_id, _ in due], _look)


def _watched() -> Any:
    """With who does the work, as `claimant` or `contractor`, while its agreement is in force."""
    claims = Claim.objects.filter(task=OuterRef("pk"), state=ClaimState.LIVE)
    contracts = Contract.objects.filter(task=OuterRef("pk"), state=ContractState.IN_PROGRESS)
    tasks = ServiceTask.objects.filter(state__in=[State.CLAIMED, State.CONTRACTED], acceptance__isnull=False)
    at_work = tasks.filter(Exists(claims) | Exists(contracts)).annotate(
        claimant=Subquery(claims.filter(IN_FORCE).values("tenant")),
        contractor=Subquery(contracts.filter(IN_FORCE).values("firm")),
    )
    checked = Watch.objects.filter(task=OuterRef("pk")).values("checked_at")
    return at_work.annotate(checked=Subquery(checked)).order_by(F("checked").asc(nulls_first=True), "pk")


def _look(task_id: UUID) -> bool:
    with _sweeping():
        task = _watched().filter(pk=task_id).first()
        standing = task and standing_of(task, database_time())
        if standing is None:
            return False
        news = _news(task, standing)
        firms = frozenset({task.claimant, task.contractor} - {None})
        if news.is_any:
            tell("task.watched", task, to=firms, standing=standing.to_document())
        if news.is_kept_now:
            told = {name: value for name, value in standing.to_document().items() if name in ENTERED}
            enter_step("task.watched", task, to=firms, **told)
        return news.is_any


class _News(NamedTuple):
    """Whether anything changed, and whether the rule is kept now and was not before."""

    is_any: bool
    is_kept_now: bool


def _news(task: ServiceTask, standing: Standing) -> _News:
    """Of two sweeps that see the same change one tells it."""
    rows = Watch.objects.filter(task=task)
    rows.update(checked_at=Now())
    now = {"stand": standing.stand.value, "is_kept": standing.is_kept}
    is_kept_now = standing.is_kept and rows.filter(is_kept=False).exists()  # the row is locked by now
    return _News(bool(rows.exclude(**now).update(**now, told_at=Now())), is_kept_now)


def _sweeping() -> Any:
    return as_platform("sweep", "look at rules of acceptance while the work goes on")
