"""What the console's panels show, read under the actor's identity. A panel the role may not see is not there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Case, IntegerField, Q, When

from cloudmining.console.money import in_words
from edge_bridge.alarm import UNACKNOWLEDGED_STATES, State
from edge_bridge.api import alarms
from edge_bridge.production.api import handovers_to_sign
from marketplace.api import OVER, tasks_in
from optimization.api import PlanStatus, plans
from tenants.api import granted
from tenants.data import Actor

ALARM_LIMIT = 100
TASK_LIMIT = 50
HANDOVER_LIMIT = 10
SEVERITIES: Final = ("critical", "high", "medium", "low")
STATE_WORDS: Final = {
    State.NORM: "over",
    State.UNACK: "unacknowledged",
    State.ACKED: "acknowledged",
    State.RTNUN: "back to normal, unacknowledged",
    State.SHLVD: "shelved",
    State.DSUPR: "suppressed by design",
    State.OOSRV: "out of service",
}
PLAN_TONES: Final = {
    PlanStatus.QUEUED: "going",
    PlanStatus.RUNNING: "going",
    PlanStatus.SOLVED: "good",
    PlanStatus.INFEASIBLE: "bad",
    PlanStatus.FAILED: "bad",
}
# (whose task, its state) → what may be done with it; the capability is that of `NEEDED_FOR`.
STEPS: Final = {
    ("own", "draft"): ("publish", "cancel"),
    ("own", "open"): ("cancel",),
    ("own", "claimed"): ("extend",),
    ("own", "submitted"): ("accept", "rework", "reject"),
    ("market", "open"): ("claim",),
    ("work", "claimed"): ("submit", "release"),
}
NEEDED_FOR: Final = {"own": "post_tasks", "market": "claim_tasks", "work": "claim_tasks"}


@dataclass(frozen=True, slots=True)
class Panel:
    """`context(actor)` is what `console/_<name>.html` needs; `needs` is a capability."""

    name: str
    needs: str
    context: Callable[[Actor], dict[str, Any]]

    @property
    def template(self) -> str:
        return f"console/_{self.name}.html"


def alarm_rows(actor: Actor) -> dict[str, Any]:
    """Active alarms, own ones and those that partners opened: unacknowledged first, then by severity, then newest."""
    rows = [alarm for shared in (False, True) for alarm in _most_pressing(shared)]
    rows.sort(key=lambda alarm: (alarm.settled, alarm.rank, -alarm.raised_at.timestamp()))
    shown = rows[:ALARM_LIMIT]
    may_acknowledge = acknowledgeable(actor)
    for alarm in shown:
        alarm.state_words = STATE_WORDS[alarm.state_now]
        alarm.may_acknowledge = not alarm.settled and may_acknowledge(alarm)
        alarm.may_post = alarm.tenant_id == actor.tenant_id and actor.can("post_tasks")
    return {"alarms": shown, "more": len(rows) > ALARM_LIMIT, "waiting": sum(not alarm.settled for alarm in shown)}


def _most_pressing(shared: bool) -> list[Any]:
    settled = Case(When(state__in=[*UNACKNOWLEDGED_STATES], then=0), default=1, output_field=IntegerField())
    ranks = [When(severity=severity, then=rank) for rank, severity in enumerate(SEVERITIES)]
    rank = Case(*ranks, default=len(SEVERITIES), output_field=IntegerField())
    # What came in a flood is behind the flood's own row, but for what nobody may overlook.
    behind = Q(folded_into__isnull=False) & ~Q(severity=SEVERITIES[0])
    found = alarms(shared=shared).exclude(state=State.NORM).exclude(behind).annotate(settled=settled, rank=rank)
    return list(found.order_by("settled", "rank", "-pk")[: ALARM_LIMIT + 1])


def acknowledgeable(actor: Actor) -> Callable[[Any], bool]:
    """Whether an alarm is the actor's to acknowledge: an own one, or one opened to them for that."""
    if not actor.can("acknowledge_alarms"):
        return lambda alarm: False
    places, machines = granted("sites", "acknowledge_alarms"), granted("equipment", "acknowledge_alarms")
    own = actor.tenant_id
    return lambda alarm: alarm.tenant_id == own or alarm.site_id in places or alarm.equipment_id in machines


def handover_rows(actor: Actor) -> dict[str, Any]:
    """What the actor may sign for the incoming shift; a program takes nothing over."""
    return {"to_sign": list(handovers_to_sign()[:HANDOVER_LIMIT]) if actor.user_id else []}


def plan_card(actor: Actor) -> dict[str, Any]:
    """The newest plan."""
    run = plans().order_by("-pk").first()
    return {"run": None} if run is None else card_of(run, actor)


def card_of(run: Any, actor: Actor) -> dict[str, Any]:
    """A plan with the figures of its report, or while it runs those of its progress."""
    is_owed = run.status in (PlanStatus.QUEUED, PlanStatus.RUNNING)
    progress, report = run.progress or {}, run.report or {}
    return {
        "run": run,
        "tone": PLAN_TONES.get(run.status, "low"),
        "status": run.get_status_display().replace("_", " "),
        "is_owed": is_owed,
        "may_cancel": is_owed and run.cancel_requested_at is None and actor.can("run_plans"),
        "stage": progress.get("stage", "waiting for a worker") if is_owed else "",
        "cost": report.get("objective_usd", progress.get("incumbent")),
        "bound": report.get("dual_bound_usd", progress.get("bound")),
        "gap_percent": _percent(report.get("relative_gap", progress.get("gap"))),
        "elapsed_s": report.get("elapsed_s", progress.get("elapsed_s")),
        "limit_s": run.options.get("time_limit_s"),
    }


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def task_rows(actor: Actor) -> dict[str, Any]:
    """Tasks that are still to do: own ones, the work that the organisation has for others, and those on the market."""
    own = tasks_in("own").exclude(state__in=OVER)
    work = tasks_in("work").filter(state__in=["claimed", "submitted", "contracted"])
    groups = {"own": own, "work": work, "market": tasks_in("market")}
    rows = [_task(task, whose, actor) for whose, found in groups.items() for task in found.order_by("-pk")[:TASK_LIMIT]]
    return {"tasks": [row for row in rows if row is not None], "may_post": actor.can("post_tasks")}


def _task(task: Any, whose: str, actor: Actor) -> Any:
    """The task with what its row shows besides; None for a task that the organisation had claimed and lost."""
    if whose == "work" and task.state != "contracted" and not is_claimed_by(task, actor):
        return None
    task.whose = whose
    task.fee = in_words(task.fee_minor, task.currency) if task.fee_minor else ""
    task.steps = steps_for(task, whose, actor)
    return task


def is_claimed_by(task: Any, actor: Actor) -> bool:
    return task.claim is not None and task.claim.tenant_id == actor.tenant_id


def steps_for(task: Any, whose: str, actor: Actor) -> tuple[str, ...]:
    """What the actor may do with a task; only one that is claimed is taken on at once."""
    steps = STEPS.get((whose, task.state), ()) if actor.can(NEEDED_FOR[whose]) else ()
    return tuple(step for step in steps if step != "claim" or task.mode == "claim")


PANELS: Final = {
    panel.name: panel
    for panel in (
        Panel("alarms", "view_alarms", alarm_rows),
        Panel("handovers", "acknowledge_alarms", handover_rows),
        Panel("plan", "view_plans", plan_card),
        Panel("tasks", "view_tasks", task_rows),
    )
}
