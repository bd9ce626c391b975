"""How one gets a scenario, a version, a release: fetched and authorised in one step, or refused."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from optimization.models import PlanRelease, Scenario, ScenarioVersion
from optimization.scenarios import queries
from tenants.api import require
from tenants.data import NotFound


def get_scenario(scenario_id: UUID, *, needs: str = "view_plans") -> Scenario:
    """A scenario of the actor's own organisation."""
    require(needs)
    return _one(queries.scenarios().filter(pk=scenario_id))


def get_version(scenario_id: UUID, number: int, *, needs: str = "view_plans") -> ScenarioVersion:
    require(needs)
    return _one(queries.versions().filter(scenario=scenario_id, number=number))


def get_version_by_id(version_id: UUID, *, needs: str = "view_plans") -> ScenarioVersion:
    require(needs)
    return _one(queries.versions().filter(pk=version_id))


def get_release(release_id: UUID) -> PlanRelease:
    require("view_plans")
    return _one(queries.releases().filter(pk=release_id))


def released_plan(scenario: UUID | None = None) -> PlanRelease | None:
    """The release in force now, with its `run`: the scenario's, or else the organisation's newest."""
    require("view_plans")
    found = queries.releases().order_by("-number")
    return (found if scenario is None else found.filter(scenario=scenario)).first()


def _one(rows: QuerySet[Any]) -> Any:
    row = rows.first()
    if row is None:
        raise NotFound
    return row
