"""Where each version of some scenarios stands, in a few queries however many there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, IntegerField, Value, When

from optimization.models import PlanDecision, PlanRelease, PlanRun, Scenario, ScenarioVersion
from optimization.outcome import PlanStatus
from optimization.queries import plans
from optimization.scenarios import queries
from optimization.variations import read_variations, variation_words

MOST_VERSIONS = 300


@dataclass(frozen=True, slots=True)
class Standing:
    """A version, what it changes in words, its newest solved plan or else its newest run, and what was said of that."""

    version: ScenarioVersion
    words: list[str]
    run: PlanRun | None
    decision: PlanDecision | None
    release: PlanRelease | None


def standings(scenarios: Sequence[Scenario]) -> dict[UUID, list[Standing]]:
    """By scenario, the newest version first; of very many versions the newest of all."""
    held = list(queries.versions().filter(scenario__in=scenarios).order_by("-pk")[:MOST_VERSIONS])
    runs = _newest_runs(held)
    ids = [run.pk for run in runs.values()]
    decisions = {each.run_id: each for each in PlanDecision.objects.filter(run__in=ids).select_related("decided_by")}
    releases = {each.run_id: each for each in queries.releases().filter(run__in=ids)}
    periods = _periods(held)
    found: dict[UUID, list[Standing]] = {scenario.pk: [] for scenario in scenarios}
    for version in sorted(held, key=lambda each: -each.number):
        words = [variation_words(each, periods[version.pk]) for each in read_variations(version.variations)]
        run = runs.get(version.pk)
        said = (decisions.get(run.pk), releases.get(run.pk)) if run else (None, None)
        found[version.scenario_id].append(Standing(version, words, run, *said))
    return found


def _newest_runs(held: Iterable[ScenarioVersion]) -> dict[UUID, PlanRun]:
    is_unsolved = Case(When(status=PlanStatus.SOLVED, then=Value(0)), default=1, output_field=IntegerField())
    rows = plans().filter(scenario_version__in=list(held)).annotate(is_unsolved=is_unsolved)
    first = rows.order_by("scenario_version", "is_unsolved", "-pk").distinct("scenario_version")
    return {run.scenario_version_id: run for run in first}


def _periods(held: Sequence[ScenarioVersion]) -> dict[UUID, Any]:
    """Of each version the periods of the instance at the root of its line, which is read a step for all at once."""
    base_of: dict[UUID, UUID | None] = {}
    periods: dict[UUID, Any] = {}
    wanted = {version.pk for version in held if version.variations}
    while wanted:
        rows = queries.versions().filter(pk__in=wanted).values_list("pk", "base_id", "instance__periods")
        for pk, base_id, named in rows:
            base_of[pk], periods[pk] = base_id, named
        wanted = {base_id for _, base_id, _ in rows if base_id is not None} - base_of.keys()
    return {version.pk: periods.get(_root(version.pk, base_of)) for version in held}


def _root(pk: UUID, base_of: dict[UUID, UUID | None]) -> UUID:
    while (base_id := base_of.get(pk)) is not None:
        pk = base_id
    return pk
