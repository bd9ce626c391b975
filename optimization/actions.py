"""The writes of optimization. Each runs in the caller's open transaction and announces in it.

A run moves queued → running → final. Every move is a compare-and-set, so of two workers, or a worker and a
cancellation, exactly one wins; times are the database's, so that workers need not agree on a clock.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from optimization import dispatch
from optimization.data import InstanceError, SolveOptions
from optimization.models import GradeSet, JointPlan, PlanRun, Requested, ScenarioVersion
from optimization.outcome import OWED, Outcome, PlanStatus, figures_of
from optimization.request import read_options, read_request
from tenants.api import Use, announce, meter, opened, require, require_within_budget
from tenants.data import Actor, Conflict, Event, FieldError, Invalid

# A worker gives a sign of life every second; one that was silent this long is taken for dead.
STALE = timedelta(seconds=15)
# How long the first message may be under way before the sweep sends another.
GRACE = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=10)
OWED_AT_ONCE = 100
WORD_OF = {
    PlanStatus.SOLVED: "solved",
    PlanStatus.INFEASIBLE: "infeasible",
    PlanStatus.NO_PLAN: "stopped",
    PlanStatus.CANCELLED: "stopped",
    PlanStatus.FAILED: "failed",
}
# All that may be owed: the moves below are the same for each, and differ by nothing but the table.
Asked = TypeVar("Asked", bound=Requested)
log = logging.getLogger(__name__)


def request_plan(
    *,
    name: str,
    instance: object,
    options: object,
    scenario_version: ScenarioVersion | None = None,
    grade_set: GradeSet | None = None,
    joint: JointPlan | None = None,
    parts: list[dict[str, Any]] | None = None,
) -> PlanRun:
    """Store what is asked and owe its plan; a worker is told after the commit. Invalid with pointers into the body.

    `instance` is what is solved, with the scenario's variations and the set's grades in it; that of a plan of several
    organisations is not read here: it is put together from the `parts` when it is solved.
    """
    requester = require("run_plans")
    chosen = _chosen(instance, options) if joint is None else _chosen_options(options)
    run = PlanRun(
        **asked_by(requester),
        name=name,
        instance=instance,
        options=asdict(chosen),
        scenario_version=scenario_version,
        grade_set=grade_set,
        joint=joint,
        parts=parts,
    )
    owe(run=run)
    return run


def asked_by(requester: Actor) -> dict[str, Any]:
    """The fields of a new row that say who asked for it."""
    now = datetime.now(UTC)
    return {
        "tenant_id": requester.tenant_id,
        "requested_by_id": requester.user_id,
        "requested_via": requester.via,
        "requested_roles": sorted(requester.roles),
        "requested_scopes": None if requester.scopes is None else sorted(requester.scopes),
        "created_at": now,
        "owed_at": now + GRACE,
    }


def owe(*, run: Requested, is_sent: bool = True) -> None:
    """Store a new row; a worker is told after the commit, unless the caller takes it up itself.

    PaymentRequired if the organisation's budget is used up.
    """
    require_within_budget()
    run.save(force_insert=True)
    _announce("queued", run)
    if is_sent:
        transaction.on_commit(partial(dispatch.send, run.requester, run.pk, run.noun), using=opened().alias)


def cancel_plan(*, run: Requested) -> None:
    """Cancel at once what no worker has in hand; ask the worker that has it, which stops within about a second."""
    require("run_plans")
    row = type(run).objects.filter(pk=run.pk)
    words = {"message": "Cancelled before a worker had it in hand."}
    at_once = {"status": PlanStatus.CANCELLED, "finished_at": Now(), "cancel_requested_at": Now(), **words}
    if row.filter(_unattended()).update(**at_once):
        run.refresh_from_db()
        _announce("stopped", run, **words)
    elif row.filter(status=PlanStatus.RUNNING).update(cancel_requested_at=Coalesce("cancel_requested_at", Now())):
        run.refresh_from_db()
    else:
        raise Conflict(f"The {run.noun} is finished already; there is nothing to cancel.")


def take_up(*, run_id: UUID, model: type[Asked] = PlanRun) -> Asked | None:
    """Make the caller the run's only worker, under a new attempt; None if it is finished or in another's hands."""
    row = model.objects.filter(pk=run_id)
    taken = row.filter(_unattended()).update(
        status=PlanStatus.RUNNING,
        attempt=F("attempt") + 1,
        started_at=Coalesce("started_at", Now()),
        progress={"stage": "building"},
        **_alive(),
    )
    return row.get() if taken else None


def record_progress(
    *, run_id: UUID, attempt: int, progress: dict[str, Any] | None, model: type[Requested] = PlanRun
) -> bool:
    """A sign of life, with news if there are any. False if the solve should stop: cancelled, or taken over."""
    news = {} if progress is None else {"progress": progress}
    row = model.objects.filter(pk=run_id, status=PlanStatus.RUNNING, attempt=attempt)
    if not row.update(**_alive(), **news):
        return False
    run = row.only("name", "status", "cancel_requested_at").get()
    if progress is not None:
        _announce("progress", run, **progress)
    return run.cancel_requested_at is None


def finish(*, run_id: UUID, attempt: int, outcome: Outcome, solver: str) -> bool:
    """Release the outcome of this attempt; False, and nothing is kept, if it no longer is the one that counts."""
    news = figures_of(outcome.report)
    stored = {name: getattr(outcome, name) for name in Outcome.__dataclass_fields__}
    return release(run_id=run_id, attempt=attempt, stored={**stored, "solver": solver}, news=news)


def release(
    *,
    run_id: UUID,
    attempt: int,
    stored: dict[str, Any],
    news: dict[str, Any],
    model: type[Requested] = PlanRun,
) -> bool:
    """End this attempt with what is `stored`, a final status and a message among it; False if it came too late."""
    current = model.objects.filter(pk=run_id, status=PlanStatus.RUNNING, attempt=attempt)
    if not current.update(**stored, finished_at=Now()):
        log.warning("%s %s: the result of attempt %d came too late and is discarded", model.noun, run_id, attempt)
        return False
    run = model.objects.only("name", "status").get(pk=run_id)
    _announce(WORD_OF[stored["status"]], run, **news, message=stored["message"])
    return True


def count_work(run: Requested, worked_s: float) -> None:
    """Who asked pays for the attempt whose outcome was released; one that a worker died of costs nothing."""
    seconds = Decimal(max(worked_s, 0.001)).quantize(Decimal("0.001"))
    meter(Use("solver", f"{run.pk}:{run.attempt}", "solver_seconds", seconds, (run.noun, str(run.pk))))


def claim_owed(model: type[Requested] = PlanRun) -> list[tuple[Actor, UUID]]:
    """What is to be sent again, with who asked for it. Platform only.

    Each is then left alone for as long as it has been waiting, so that a long queue is not filled with copies.
    """
    now = datetime.now(UTC)
    small = [field.name for field in Requested._meta.fields]
    owed = model.objects.filter(status__in=OWED, owed_at__lt=Now()).only(*small).order_by("owed_at")
    runs = list(owed.select_for_update(skip_locked=True)[:OWED_AT_ONCE])
    for run in runs:
        waited = now - (run.heartbeat_at or run.created_at)
        model.objects.filter(pk=run.pk).update(owed_at=now + min(max(waited, GRACE), LONGEST_WAIT))
    return [(run.requester, run.pk) for run in runs]


def _chosen(instance: object, options: object) -> SolveOptions:
    with told_as_invalid():
        return read_request(instance, options, time_limit_s=settings.PLAN_TIME_LIMIT_S)[1]


def _chosen_options(options: object) -> SolveOptions:
    with told_as_invalid():
        return read_options(options, time_limit_s=settings.PLAN_TIME_LIMIT_S)


@contextmanager
def told_as_invalid(detail: str = "The plan can't be solved as it is asked for.") -> Iterator[None]:
    """What the core refuses, as the API words it: with pointers into the body."""
    try:
        yield
    except InstanceError as error:
        errors = tuple(FieldError(problem.path, problem.message) for problem in error.problems)
        raise Invalid(detail, errors) from error


def _unattended() -> Q:
    return Q(status=PlanStatus.QUEUED) | Q(status=PlanStatus.RUNNING, heartbeat_at__lt=Now() - STALE)


def _alive() -> dict[str, Any]:
    return {"heartbeat_at": Now(), "owed_at": Now() + STALE}


def _announce(what: str, run: Requested, **news: Any) -> None:
    known = {key: value for key, value in news.items() if value is not None}
    announce(Event(kind=f"{run.noun}.{what}", body=run.facts | known, permission="view_plans"))
