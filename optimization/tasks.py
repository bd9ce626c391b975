"""Solving in a worker. A worker may die at any point: what is owed is in the row, and the sweep sends it again."""

import time
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from celery import shared_task
from celery.signals import worker_ready

from optimization import actions, dispatch, presence
from optimization.data import SolveOptions
from optimization.instance_builder import build_instance
from optimization.models import Experiment, PlanRun
from optimization.outcome import Outcome, PlanStatus, outcome_of
from optimization.pulse import Pulse
from optimization.versions import versions
from tenants.api import acting_as, as_platform
from tenants.data import Actor

# A plan whose worker dies each time (out of memory, say) must not go round for ever.
MAX_ATTEMPTS = 5
GIVEN_UP = f"Given up: {MAX_ATTEMPTS} workers took it up and none came through; the workers' logs say why."

worker_ready.connect(presence.announce)


@shared_task(bind=True, name=dispatch.SOLVE_PLAN)
def solve_plan(self: Any, run_id: str) -> None:
    """Take up, solve outside of any transaction, release. A second delivery finds nothing to take up."""
    import optimization.insight  # noqa: F401, takes seconds, in which nobody would feel a wish to cancel: taken up after

    with acting_as(self.actor):
        run = actions.take_up(run_id=UUID(run_id))
    if run is None:
        return
    began_s = time.monotonic()
    solved = _solved if run.joint_id is None else _solved_jointly
    outcome, solver = solved(self.actor, run) if run.attempt <= MAX_ATTEMPTS else _given_up()
    with acting_as(self.actor):
        if _finish(run, outcome, solver):
            actions.count_work(run, time.monotonic() - began_s)


@shared_task(name=dispatch.SOLVE_PART, system=True, acks_late=False)
def solve_part(wave: str) -> None:
    """A part of somebody's plan: arrays without a name, for no organisation. Lost, its coordinator solves it itself."""
    from optimization.spread import take_part

    take_part(wave)


@shared_task(bind=True, name="optimization.sweep_owed_plans", system=True)
def sweep_owed_plans(self: Any) -> None:
    """Send again what was never taken up, and what a dead worker left behind."""
    with as_platform("sweep", "send owed plans and studies again") as platform:
        owed = [(*each, model.noun) for model in (PlanRun, Experiment) for each in actions.claim_owed(model)]
        platform.leaves_trace = bool(owed)
    for requester, run_id, noun in owed:
        dispatch.send(requester, run_id, noun)


def _solved(actor: Actor, run: PlanRun) -> tuple[Outcome, str]:
    from optimization.insight import insight_of  # a second and 100 MB, which only workers should pay
    from optimization.solver import SOLVER, solve
    from optimization.spread import CeleryPool

    instance, options = build_instance(run.instance), SolveOptions(**run.options)
    with Pulse(actor, run.pk, run.attempt) as pulse:
        stop, pool = pulse.stopped.is_set, CeleryPool(options.threads)
        result = solve(instance, options, on_progress=pulse.tell, should_stop=stop, pool=pool)
        outcome = outcome_of(instance, result)
        report = {**(outcome.report or {}), "versions": versions()}
        if outcome.status is PlanStatus.FAILED:
            return replace(outcome, report=report), SOLVER
        pulse.enter("explaining")
        insight = insight_of(instance, options, result, stop)
        return replace(outcome, report=report, insight=insight), SOLVER


def _solved_jointly(actor: Actor, run: PlanRun) -> tuple[Outcome, str]:
    from optimization.joint.solving import joint_outcome
    from optimization.solver import SOLVER, solve
    from optimization.spread import CeleryPool

    options = SolveOptions(**run.options)
    with Pulse(actor, run.pk, run.attempt) as pulse:
        stop, pool = pulse.stopped.is_set, CeleryPool(options.threads)
        door = partial(solve, options=options, on_progress=pulse.tell, should_stop=stop, pool=pool)
        return joint_outcome(actor, run, door), SOLVER


def _finish(run: PlanRun, outcome: Outcome, solver: str) -> bool:
    """A plan of several organisations is released to each of them. False if it came too late."""
    if run.joint_id is None:
        return actions.finish(run_id=run.pk, attempt=run.attempt, outcome=outcome, solver=solver)
    from optimization.joint import solving

    return solving.finish(run=run, outcome=outcome, solver=solver)


def _given_up() -> tuple[Outcome, str]:
    return Outcome(PlanStatus.FAILED, GIVEN_UP), ""
