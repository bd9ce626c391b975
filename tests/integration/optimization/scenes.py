"""Scenarios and solved plans in the database, by the product's own steps; the solve is in this process."""

from functools import cache
from typing import Any
from uuid import UUID

from optimization import actions as planning
from optimization.data import SolveOptions
from optimization.instance_builder import build_instance
from optimization.models import PlanRelease, PlanRun, ScenarioVersion
from optimization.outcome import Outcome, outcome_of
from optimization.scenarios import actions, queries
from optimization.solver import SOLVER, solve
from tenants.actions import admit_member
from tenants.context import as_platform
from tenants.models import User, new_id
from tests.integration.optimization import documents
from tests.personas import PASSWORD, Organisation

OPTIONS = {"gap": 0.01, "time_limit_s": 30}


def colleague(organisation: Organisation, *roles: str) -> Organisation:
    """The same organisation as another of its people sees it; a manager if no role is named."""
    with as_platform("tests", "admit a colleague"):
        user = User.objects.create_user(f"colleague-{new_id()}@example.com", PASSWORD, name="A colleague")
        admit_member(tenant=organisation.tenant, user=user, roles=list(roles or ("manager",)))
    return Organisation(organisation.tenant, user, organisation.sites, organisation.equipment)


def founded(organisation: Organisation, name: str = "Base", **content: Any) -> ScenarioVersion:
    """The first version of a scenario; of the small instance if nothing else is said."""
    with organisation.acting():
        scenario = actions.found_scenario(name=name, **(content or {"instance": documents.small()}))
        return queries.versions().get(scenario=scenario, number=1)


def solved(organisation: Organisation, version: ScenarioVersion | None = None) -> UUID:
    """A plan that this person asked for, of the small instance or of a version, taken up and solved."""
    with organisation.acting():
        if version is None:
            run = planning.request_plan(name="May", instance=documents.small(), options=OPTIONS)
        else:
            run = actions.solve_version(version=version, options=OPTIONS)
    return worked_off(organisation, run.pk)


def worked_off(organisation: Organisation, run_id: UUID) -> UUID:
    """What a worker does, without the worker."""
    with organisation.acting():
        taken = planning.take_up(run_id=run_id)
    assert taken is not None
    outcome = _small_outcome() if taken.instance == documents.small() else _outcome(taken.instance)
    with organisation.acting():
        assert planning.finish(run_id=run_id, attempt=taken.attempt, outcome=outcome, solver=SOLVER)
    return run_id


def _outcome(document: dict[str, Any]) -> Outcome:
    instance = build_instance(document)
    return outcome_of(instance, solve(instance, SolveOptions(**OPTIONS)))


@cache
def _small_outcome() -> Outcome:
    """Solved once for all tests that only need a plan."""
    return _outcome(documents.small())


def approved(organisation: Organisation, version: ScenarioVersion | None = None) -> UUID:
    """A solved plan that a colleague approved."""
    run_id = solved(organisation, version)
    with colleague(organisation).acting("manager"):
        actions.decide(run=PlanRun.objects.get(pk=run_id), is_approved=True)
    return run_id


def released(organisation: Organisation, version: ScenarioVersion | None = None) -> PlanRelease:
    run_id = approved(organisation, version)
    with organisation.acting():
        return actions.release_plan(run=PlanRun.objects.get(pk=run_id))
