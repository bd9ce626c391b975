"""What follows from an event, reaction by reaction: a draft that a person looks at and publishes, or a re-test.

Each is given the event, what it is about, and the switch; it says which task it made or found, and in words why.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from edge_bridge.api import get_alarm
from marketplace.actions import post_task
from marketplace.data import DESCRIPTION_CHARS, FEE_MINOR, TITLE_CHARS, TaskTerms
from marketplace.models import ReactionSwitch, ServiceTask
from marketplace.moves import tell
from marketplace.queries import UNFINISHED
from marketplace.reactions.analysers import of_analyser
from marketplace.reactions.data import RULES, Outcome
from optimization.api import whole_plan
from tenants.api import actor, enter
from tenants.data import Conflict
from tenants.models import FeedEvent

Body = Mapping[str, Any]
Drafted = tuple[ServiceTask | None, Outcome, str]
ALARM_OPENS: Final = ("view_telemetry", "view_alarms")
# Who mines, mills or carries more needs plant; the other rules are a matter of planning.
OF_PLANT: Final = ("mining", "processing", "milling", "transport", "room")


def of_alarm(subject: UUID, event: FeedEvent, switch: ReactionSwitch) -> Drafted:
    alarm = get_alarm(subject, needs="post_tasks")
    if event.kind in RULES[switch.reaction].grown and (alarm.annunciated_at or alarm.raised_at) < switch.set_at:
        return None, Outcome.NOTHING, "It was critical before this was switched on, and has not called since."
    known = ServiceTask.objects.filter(alarm=alarm, state__in=UNFINISHED).first()
    if known is not None:
        return known, Outcome.KNOWN, f"There is a task for it already: {known.title}"
    where = alarm.equipment.code if alarm.equipment else alarm.site.name
    terms = TaskTerms(
        title=f"{alarm.alarm_type} at {where}"[:TITLE_CHARS],
        category="equipment_maintenance",
        description=f"Critical: {alarm.tag} was {alarm.value:g}, its limit is {alarm.limit:g}."[:DESCRIPTION_CHARS],
        opens=tuple(permission for permission in ALARM_OPENS if actor().can(permission)),
    )
    return _drafted(post_task(terms=terms, alarm_id=alarm.pk), switch)


def of_plan(subject: UUID, event: FeedEvent, switch: ReactionSwitch) -> Drafted:
    insight = whole_plan(subject).insight or {}
    diagnosis = insight.get("diagnosis") or {}
    repairs, usd = diagnosis.get("repairs") or (), diagnosis.get("repair_usd") or 0.0
    if not repairs:
        raise Conflict("No repair of the plan is known: nothing can be asked for.")
    is_of_plant = any(word in repairs[0]["rule"] for word in OF_PLANT)
    terms = TaskTerms(
        title=f"Make the plan feasible: {event.body['name']}"[:TITLE_CHARS],
        category="engineering_construction" if is_of_plant else "planning",
        description="\n".join(insight["words"])[:DESCRIPTION_CHARS],
        fee_minor=min(round(100 * usd), FEE_MINOR),
    )
    return _drafted(post_task(terms=terms, site_id=switch.site_id, plan_id=subject), switch)


def of_grades(subject: UUID, event: FeedEvent, switch: ReactionSwitch) -> Drafted:
    terms = TaskTerms(
        title=f"Plan anew: the grades {event.body['name']} {event.body['version']} no longer hold"[:TITLE_CHARS],
        category="planning",
        description="\n".join(event.body["words"])[:DESCRIPTION_CHARS],
    )
    told = {name: event.body[name] for name in ("set", "name", "version", "batch", "words")}
    return _drafted(post_task(terms=terms, site_id=switch.site_id, evidence={"grades": told}), switch)


def _drafted(task: ServiceTask, switch: ReactionSwitch) -> Drafted:
    payload = {"title": task.title, "category": task.category, "reaction": switch.reaction}
    enter(kind="task.drafted", subject=task.pk, payload=payload)
    tell("task.drafted", task, reaction=switch.reaction)
    return task, Outcome.DONE, f"Drafted: {task.title}"


def _id(name: str) -> Callable[[Body], UUID]:
    return lambda body: UUID(body[name])


SUBJECTS: Final[Mapping[str, Callable[[Body], UUID]]] = {
    "critical_alarm": _id("alarm"),
    "plan_infeasible": _id("plan"),
    "grades_drifted": _id("set"),
    "analyser_drifted": _id("alarm"),
}
DRAFTS: Final[Mapping[str, Callable[[UUID, FeedEvent, ReactionSwitch], Drafted]]] = {
    "critical_alarm": of_alarm,
    "plan_infeasible": of_plan,
    "grades_drifted": of_grades,
    "analyser_drifted": of_analyser,
}
