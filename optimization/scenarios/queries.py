"""The reads of scenarios and releases, under the open identity."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, UUIDField, Value
from django.db.models.functions import Coalesce

from optimization.canonical import canonical_json
from optimization.comparison import Comparison, Solved, compare
from optimization.instance_builder import build_instance, build_plan
from optimization.models import PlanDecision, PlanRelease, PlanRun, Scenario, ScenarioVersion
from optimization.outcome import PlanStatus
from optimization.variations import Variation, read_variations, variation_words, vary
from tenants.api import actor

NO_SCENARIO = Value(UUID(int=0), output_field=UUIDField())


def scenarios() -> QuerySet[Scenario]:
    return Scenario.objects.filter(tenant=actor().tenant_id)


def versions() -> QuerySet[ScenarioVersion]:
    """Without their instances, which are fetched only when they are touched."""
    return ScenarioVersion.objects.select_related("scenario", "base__scenario").defer("instance", "base__instance")


def lineage(version: ScenarioVersion) -> list[ScenarioVersion]:
    """What it is built upon, from the version that has an instance down to itself."""
    found = [version]
    while found[0].base_id is not None:
        found.insert(0, versions().get(pk=found[0].base_id))
    return found


def variations_of(line: Sequence[ScenarioVersion]) -> list[Variation]:
    """All variations of a lineage, in the order in which they apply."""
    return [variation for version in line for variation in read_variations(version.variations)]


def instance_document(version: ScenarioVersion) -> dict[str, Any]:
    """The instance that the version stands for: what a plan of it is made for."""
    line = lineage(version)
    root = line[0].instance
    assert root is not None  # the table sees to it that a version has a base or an instance
    changes = variations_of(line)
    return json.loads(vary(build_instance(root), changes).to_json()) if changes else root


def told_variations(version: ScenarioVersion) -> list[str]:
    """The version's own variations in words."""
    root = ScenarioVersion.objects.values_list("instance__periods", flat=True).get(pk=lineage(version)[0].pk)
    return [variation_words(variation, root) for variation in read_variations(version.variations)]


def version_of(run: PlanRun) -> ScenarioVersion | None:
    return versions().filter(pk=run.scenario_version_id).first()


# Decisions and releases ---------------------------------------------------------------------------------------------


def decision_on(run: PlanRun) -> PlanDecision | None:
    return PlanDecision.objects.filter(run=run).select_related("decided_by").first()


def releases() -> QuerySet[PlanRelease]:
    """With `is_in_force`: no later release of the same scenario; plans without one are a line of their own."""
    line = Coalesce("scenario_id", NO_SCENARIO)
    later = PlanRelease.objects.filter(number__gt=OuterRef("number")).annotate(line=line)
    in_force = ~Exists(later.filter(line=Coalesce(OuterRef("scenario_id"), NO_SCENARIO)))
    own = PlanRelease.objects.filter(tenant=actor().tenant_id).annotate(is_in_force=in_force)
    return own.select_related("run", "scenario", "released_by").defer("run__instance", "run__plan", "run__insight")


def release_of(run: PlanRun) -> PlanRelease | None:
    return releases().filter(run=run).first()


def release_text(run: PlanRun) -> bytes:
    """What a release stands for, as the database has it now, in canonical JSON: the digest is this text's."""
    fields = ("instance", "options", "plan", "report", "grade_set", "scenario_version", "parts")
    document = PlanRun.objects.values(*fields).get(pk=run.pk)
    ids = {name: document[name] and str(document[name]) for name in ("grade_set", "scenario_version")}
    return canonical_json(document | ids)


# Comparison ---------------------------------------------------------------------------------------------------------


def newest_run(version: ScenarioVersion) -> PlanRun | None:
    """Its newest solved plan, or else its newest run."""
    runs = PlanRun.objects.filter(scenario_version=version).order_by("-pk")
    return runs.filter(status=PlanStatus.SOLVED).first() or runs.first()


def side_by_side(runs: Sequence[PlanRun]) -> dict[str, Any]:
    """The comparison of runs as a document; a run without a plan is named with its reason."""
    found = compared(runs)
    first = next((run for run in runs if run.plan is not None), None)
    return {
        "plans": [_heading(run) for run in runs],
        "rows": [{"name": row.name, "unit": row.unit, "values": row.values} for row in found.rows],
        "differences": [
            {"plan": runs[apart.k].pk, "than": first and first.pk, "words": apart.words} for apart in found.differences
        ],
    }


def compared(runs: Sequence[PlanRun]) -> Comparison:
    return compare([_solved(run) for run in runs])


def _solved(run: PlanRun) -> Solved | None:
    if run.plan is None:
        return None
    return Solved(build_instance(run.instance), build_plan(run.plan), (run.report or {}).get("relative_gap"))


def _heading(run: PlanRun) -> dict[str, Any]:
    version = version_of(run)
    line = lineage(version) if version else []
    return {
        "plan": run.pk,
        "name": run.name,
        "status": run.status,
        "message": run.message,
        "scenario": version and version.scenario_id,
        "scenario_name": version and version.scenario.name,
        "version": version and version.number,
        "variations": [variation_words(each, run.instance["periods"]) for each in variations_of(line)],
    }
