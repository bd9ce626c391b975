"""A plan of several organisations in the worker: put the parts together, judge the plan, give each its share.

Each part is read in the name of who brought it, and what comes out is written to each in its own name. The coordinator,
for whom the worker acts, is told the cost and the bound; whose part is at fault, never what is in it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from optimization import actions
from optimization.data import Problem, SolveResult, SupplyChainInstance
from optimization.joint import queries
from optimization.joint.actions import part_digest
from optimization.joint_parts import PartsError, Seat, Whole, assemble
from optimization.joint_shares import Share, reasons, split
from optimization.models import JointPart, JointPlan, JointSeat, PlanRun, PlanShare
from optimization.outcome import Outcome, PlanStatus, outcome_of
from optimization.versions import versions
from tenants.api import acting_as, announce, on_behalf_of
from tenants.data import Actor, Event

# The size of the program would count the others' figures.
TOLD = ("termination", "objective_usd", "dual_bound_usd", "relative_gap", "elapsed_s", "solver")
ENDED = {
    "optimal": "Solved",
    "time_limit": "Stopped at the time limit with the best plan found",
    "cancelled": "Cancelled, with the best plan found",
}
INFEASIBLE = "No plan exists for these parts together; the share of each participant says what it can do."
REFUSED = "The solver's plan misses a rule and is not released; the worker's log says which."
NO_PLAN = "No plan was made."
NOT_YOURS = "No plan was made: the parts don't fit together, and nothing is found wrong with yours."
NO_CAUSE = "none of the causes that were found lies with what you brought"
UNEXPLAINED = "the time was over before the causes were found"
log = logging.getLogger(__name__)

ShareFields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JointOutcome(Outcome):
    """What the coordinator is told, and in `shares` what each participant is: the fields of its PlanShare."""

    shares: Mapping[UUID, ShareFields] = field(default_factory=dict)


class NotAsAgreed(Exception):
    """A part is not what its seat says, or was taken back; the words name the participant and no figure."""


def joint_outcome(actor: Actor, run: PlanRun, solve: Callable[[SupplyChainInstance], SolveResult]) -> JointOutcome:
    """Put the parts together, in a transaction of its own; then solve, have the checker judge, and split."""
    try:
        with acting_as(actor):
            seats = {str(seat.participant_id): seat for seat in queries.seats(_joint(run))}
            frame, brought = _joint(run).frame, _brought(run, seats)
        whole = assemble(frame, brought)
    except NotAsAgreed as fault:
        return JointOutcome(PlanStatus.FAILED, str(fault))
    except PartsError as fault:
        return _unfit(fault, seats, run)
    result = solve(whole.instance)
    judged = outcome_of(whole.instance, result)
    return _told(judged, _shares(whole, result, judged))


def finish(*, run: PlanRun, outcome: Outcome, solver: str) -> bool:
    """Release what the coordinator and each participant are told, all or nothing. In the coordinator's transaction.

    Who withdrew since it was asked for has taken its consent back, even if it has joined again: nothing is released.
    """
    JointPlan.objects.select_for_update(no_key=True).only("pk").get(pk=run.joint_id)
    participants = [UUID(part["participant"]) for part in run.parts or ()]
    for seat in JointSeat.objects.filter(joint=run.joint_id, participant__in=participants).order_by("-pk"):
        if _is_taken_back(seat, run):
            outcome = JointOutcome(PlanStatus.FAILED, _gone(seat))
    if not actions.finish(run_id=run.pk, attempt=run.attempt, outcome=outcome, solver=solver):
        return False
    shares = outcome.shares if isinstance(outcome, JointOutcome) else {}
    for participant in participants:
        _hand_out(run, participant, {"status": outcome.status, "message": NO_PLAN} | shares.get(participant, {}))
    body = {"plan": str(run.pk), "joint": str(run.joint_id), "name": run.name, "status": outcome.status}
    announce(Event(kind="plan.share", body=body, permission="view_plans", to=frozenset(participants)))
    return True


def _hand_out(run: PlanRun, participant: UUID, fields: ShareFields) -> None:
    with on_behalf_of(participant):
        links = {"owner_id": run.tenant_id, "run_id": run.pk, "joint_id": run.joint_id}
        PlanShare.objects.create(tenant_id=participant, **links, **fields)


def _joint(run: PlanRun) -> JointPlan:
    assert run.joint is not None  # who calls has asked
    return run.joint


# Putting together -----------------------------------------------------------------------------------------------------


def _brought(run: PlanRun, seats: Mapping[str, JointSeat]) -> list[tuple[Seat, Any]]:
    """The parts that the run names, each read in the name of its bringer; NotAsAgreed."""
    return [(queries.shapes([seats[part["participant"]]])[0], _document(run, part, seats)) for part in run.parts or ()]


def _document(run: PlanRun, part: Mapping[str, Any], seats: Mapping[str, JointSeat]) -> Any:
    seat = seats[part["participant"]]
    if _is_taken_back(seat, run):
        raise NotAsAgreed(_gone(seat))
    with on_behalf_of(seat.participant_id):
        own = JointPart.objects.filter(tenant=seat.participant_id, owner=run.tenant_id, joint=run.joint_id)
        row = own.filter(version=part["version"]).first()
    if row is None or part_digest(row.pk, row.document) != part["digest"]:
        words = f"The part of {seat.participant_name} is not the one that it brought: version {part['version']}"
        raise NotAsAgreed(f"{words} has another digest. Nothing was solved.")
    return row.document


def _is_taken_back(seat: JointSeat, run: PlanRun) -> bool:
    """The part that the run names, that is; another may have been brought since."""
    return seat.is_withdrawn or (seat.withdrawn_at is not None and seat.withdrawn_at > run.created_at)


def _gone(seat: JointSeat) -> str:
    return f"{seat.participant_name} withdrew its part before the plan was solved."


def _unfit(fault: PartsError, seats: Mapping[str, JointSeat], run: PlanRun) -> JointOutcome:
    """Each at fault reads what is wrong in its own part; the coordinator reads who it is."""
    if not fault.problems:
        return JointOutcome(PlanStatus.FAILED, f"The parts make no plan: {fault}.")
    names = ", ".join(sorted(seats[who].participant_name for who in fault.problems))
    shares = {UUID(part["participant"]): {"message": NOT_YOURS} for part in run.parts or ()}
    shares |= {UUID(who): _fault_share(problems) for who, problems in fault.problems.items()}
    words = f"The parts don't fit together: see {names}, whose share says why."
    return JointOutcome(PlanStatus.FAILED, words, shares=shares)


def _fault_share(problems: Sequence[Problem]) -> ShareFields:
    told = [f"{problem.path or '/'}: {problem.message}" for problem in problems]
    return {"message": "No plan was made: your part doesn't fit with the others.", "explanation": told}


# Telling --------------------------------------------------------------------------------------------------------------


def _told(judged: Outcome, shares: Mapping[UUID, ShareFields]) -> JointOutcome:
    """The outcome without what it says of anybody's objects."""
    words = judged.message
    if judged.status is PlanStatus.INFEASIBLE:
        words = INFEASIBLE
    elif judged.violations:
        log.error("a plan of several organisations was refused by the checker: %s", judged.message)
        words = REFUSED
    report = {name: value if name in TOLD else None for name, value in (judged.report or {}).items()}
    return JointOutcome(judged.status, words, report={**report, "versions": versions()}, shares=shares)


def _shares(whole: Whole, result: SolveResult, judged: Outcome) -> dict[UUID, ShareFields]:
    if judged.plan is not None and result.plan is not None:
        own = split(whole.instance, result.plan, whole.bringers)
        return {UUID(who): _own_share(share, judged, whole.left_out.get(who, 0)) for who, share in own.items()}
    if judged.status is PlanStatus.INFEASIBLE:
        return _reasons(whole, result)
    return {}


def _own_share(share: Share, judged: Outcome, left_out: int) -> ShareFields:
    report = judged.report or {}
    gap = report["relative_gap"]
    proven = "" if gap is None else f", the whole proven within {gap:.2%}"
    missed = f"{left_out} of the rows that you brought name what nobody brings now, and were left out"
    return {
        "message": f"{ENDED[report['termination']]}: your share is {share.cost_usd:,.0f} ${proven}.",
        "plan": share.plan.to_document(),
        "cost_terms_usd": dict(share.cost_terms_usd),
        "cost_usd": share.cost_usd,
        "explanation": [missed] if left_out else [],
    }


def _reasons(whole: Whole, result: SolveResult) -> dict[UUID, ShareFields]:
    told = {} if result.diagnosis is None else reasons(whole.instance, whole.bringers, result.diagnosis)
    otherwise = UNEXPLAINED if result.diagnosis is None else NO_CAUSE
    everybody = {*whole.bringers.mine.values(), *whole.bringers.centre.values(), *whole.bringers.user.values()}
    return {
        UUID(who): {
            "message": "No plan exists for all parts together.",
            "explanation": list(told.get(who, (otherwise,))),
        }
        for who in everybody
    }
