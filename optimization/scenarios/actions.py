"""The writes of scenarios, decisions and releases. Each runs in the caller's open transaction and announces in it."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F, Max
from django.db.models.functions import Now

from optimization.actions import request_plan, told_as_invalid
from optimization.canonical import digest_of_text
from optimization.data import InstanceError, Problem
from optimization.grades.access import with_grades
from optimization.instance_builder import build_instance
from optimization.models import PlanDecision, PlanRelease, PlanRun, Scenario, ScenarioVersion
from optimization.outcome import PlanStatus
from optimization.request import read_request
from optimization.scenarios import queries
from optimization.variations import read_variations, vary
from optimization.variations.form import MOST_VARIATIONS
from tenants.api import announce, enter, require
from tenants.data import Actor, Conflict, Event, FieldError, Forbidden, Invalid

NOT_KEPT = "The scenario can't be kept as it is."
DEEPEST = 20


def found_scenario(
    *,
    name: str,
    instance: object = None,
    base: ScenarioVersion | None = None,
    variations: object = None,
    note: str = "",
) -> Scenario:
    """A scenario with its first version: a base with an `instance`, or `variations` upon a `base` version.

    Invalid with pointers into the body; Conflict if the name is taken.
    """
    founder = require("run_plans")
    content = _content(instance, base, variations)
    scenario = Scenario(tenant_id=founder.tenant_id, name=name, created_by_id=founder.user_id)
    Scenario.objects.bulk_create([scenario], ignore_conflicts=True)
    kept = queries.scenarios().filter(pk=scenario.pk).first()
    if kept is None:
        raise Conflict(f"There is a scenario {name!r} already: choose another name, or make a new version of it.")
    _keep_version(founder, kept, note, content)
    return kept


def make_version(
    *,
    scenario: Scenario,
    expected_version: int,
    instance: object = None,
    base: ScenarioVersion | None = None,
    variations: object = None,
    note: str = "",
) -> ScenarioVersion:
    """The version after `expected_version`; Conflict if another was made meanwhile, or the scenario is archived."""
    maker = require("run_plans")
    content = _content(instance, base, variations)
    row = queries.scenarios().filter(pk=scenario.pk, archived_at=None)
    won = row.filter(version=expected_version).update(version=F("version") + 1)
    scenario.refresh_from_db()
    if not won:
        _refuse_archived(scenario)
        raise Conflict(f"The newest version is {scenario.version}, not {expected_version}: read it and decide anew.")
    return _keep_version(maker, scenario, note, content)


def archive_scenario(*, scenario: Scenario) -> None:
    """No more versions and plans; what there is stays."""
    require("run_plans")
    won = queries.scenarios().filter(pk=scenario.pk, archived_at=None).update(archived_at=Now())
    if not won:
        raise Conflict("The scenario is archived already.")
    scenario.refresh_from_db()


def solve_version(
    *, version: ScenarioVersion, name: str = "", options: object = None, grade_set: UUID | None = None
) -> PlanRun:
    """Ask for a plan of what the version stands for, with the grades of a set if one is named."""
    require("run_plans")
    _refuse_archived(version.scenario)
    document: object = queries.instance_document(version)
    instance, held = (document, None) if grade_set is None else with_grades(document, grade_set)
    return request_plan(
        name=name or f"{version.scenario.name[:180]}, version {version.number}",
        instance=instance,
        options={} if options is None else options,
        scenario_version=version,
        grade_set=held,
    )


def _keep_version(maker: Actor, scenario: Scenario, note: str, content: dict[str, Any]) -> ScenarioVersion:
    made = ScenarioVersion.objects.create(
        tenant_id=maker.tenant_id,
        scenario=scenario,
        number=scenario.version,
        note=note,
        created_by_id=maker.user_id,
        **content,
    )
    return queries.versions().get(pk=made.pk)


def _content(instance: object, base: ScenarioVersion | None, variations: object) -> dict[str, Any]:
    """What a version holds, validated to the end: an instance, or a base whose variations give one."""
    if (instance is None) == (base is None):
        raise Invalid(NOT_KEPT, (FieldError("/instance", "give an instance, or a base to vary: one of the two"),))
    if base is None:
        if variations:
            raise Invalid(NOT_KEPT, (FieldError("/variations", "vary a base; a scenario with an instance has none"),))
        with told_as_invalid(NOT_KEPT):
            read_request(instance, {}, time_limit_s=settings.PLAN_TIME_LIMIT_S)
        return {"instance": instance}
    return {"base": base, "variations": _varied(base, [] if variations is None else variations)}


def _varied(base: ScenarioVersion, variations: object) -> list[dict[str, Any]]:
    _refuse_archived(base.scenario)
    line = queries.lineage(base)
    if len(line) >= DEEPEST:
        raise Invalid(NOT_KEPT, (FieldError("/base", f"is the {DEEPEST}th upon another: vary an earlier one"),))
    with told_as_invalid(NOT_KEPT):
        read = read_variations(variations)
        if len(queries.variations_of(line)) + len(read) > MOST_VARIATIONS:
            raise InstanceError([Problem("/variations", f"make more than {MOST_VARIATIONS} with those of the base")])
        vary(build_instance(queries.instance_document(base)), read)
    return [each.to_document() for each in read]


def _refuse_archived(scenario: Scenario) -> None:
    if scenario.archived_at is not None:
        raise Conflict(f"The scenario {scenario.name!r} is archived: make another one.")


# Decisions and releases ---------------------------------------------------------------------------------------------


def decide(*, run: PlanRun, is_approved: bool, reason: str = "") -> PlanDecision:
    """One person's word on a solved plan, once. Forbidden to who asked for it, if the word is yes."""
    decider = _person("approve_plans")
    if run.status != PlanStatus.SOLVED:
        raise Conflict(f"Only a solved plan is decided on: it is {run.status}.")
    if is_approved and run.requested_by_id == decider.user_id:
        raise Forbidden("You asked for this plan yourself: a colleague has to approve it.")
    row = PlanDecision(
        tenant_id=decider.tenant_id, run=run, is_approved=is_approved, reason=reason, decided_by_id=decider.user_id
    )
    # The index decides between two at once: the second waits for the first to commit, and then is not inserted.
    PlanDecision.objects.bulk_create([row], ignore_conflicts=True)
    decision = queries.decision_on(run)
    assert decision is not None
    if decision.pk != row.pk:
        raise Conflict(f"The plan was {decision} already, by {decision.decided_by.name}.")
    _tell("plan.approved" if is_approved else "plan.rejected", run)
    return decision


def release_plan(*, run: PlanRun) -> PlanRelease:
    """Put an approved plan in force, under the organisation's next number; the scenario's last one is superseded."""
    releaser = _person("release_plans")
    decision = queries.decision_on(run)
    if decision is None or not decision.is_approved:
        raise Conflict(f"Only an approved plan is released: it is {decision or 'not decided on'}.")
    digest = digest_of_text(queries.release_text(run))
    version = queries.version_of(run)
    _one_at_a_time(releaser)
    earlier = PlanRelease.objects.filter(tenant=releaser.tenant_id)
    if known := earlier.filter(run=run).first():
        raise Conflict(f"The plan is released already, as number {known.number}.")
    release = PlanRelease.objects.create(
        tenant_id=releaser.tenant_id,
        run=run,
        scenario=version and version.scenario,
        number=(earlier.aggregate(newest=Max("number"))["newest"] or 0) + 1,
        digest=digest,
        released_by_id=releaser.user_id,
    )
    _tell("plan.released", run, release=release.number, digest=digest)
    people = {"requested_by": run.requested_by_id, "approved_by": decision.decided_by_id}
    what = {"plan": run.pk, "name": run.name, "scenario": release.scenario_id, "digest": digest}
    enter(kind="plan.released", subject=release.pk, payload={"number": release.number, **what, **people})
    return queries.releases().get(pk=release.pk)


def _person(capability: str) -> Actor:
    actor = require(capability)
    if actor.user_id is None:
        raise Forbidden("A person has to decide this; sign in, or use a person's key.")
    return actor


def _one_at_a_time(releaser: Actor) -> None:
    """Numbers have no gaps and no twins: whoever releases for this organisation waits until the last one committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"plan release {releaser.tenant_id}"])


def _tell(kind: str, run: PlanRun, **more: Any) -> None:
    version = queries.version_of(run)
    scenario = {} if version is None else {"scenario": str(version.scenario_id)}
    body = {"plan": str(run.pk), "name": run.name, "status": run.status, **more, **scenario}
    announce(Event(kind=kind, body=body, permission="view_plans"))
