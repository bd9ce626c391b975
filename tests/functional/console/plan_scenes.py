"""Plans as the planner's pages show them: solved and explained in this process, as a worker would."""

from dataclasses import replace
from functools import cache
from json import dumps, loads
from typing import Any
from uuid import UUID

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from optimization.actions import finish, request_plan, take_up
from optimization.data import SolveOptions
from optimization.insight import insight_of
from optimization.instance_builder import build_instance
from optimization.models import PlanRun, ScenarioVersion
from optimization.outcome import Outcome, outcome_of
from optimization.scenarios.actions import solve_version
from optimization.solver import SOLVER, solve
from tests.integration.optimization import documents
from tests.personas import Organisation

OPTIONS = {"gap": 0.01, "time_limit_s": 20}


def explained(
    owner: Organisation,
    name: str = "May",
    instance: dict[str, Any] | None = None,
    version: ScenarioVersion | None = None,
) -> PlanRun:
    """A plan of an instance, or of a version, that came to its end."""
    with owner.acting():
        if version is None:
            run = request_plan(name=name, instance=instance or documents.small(), options=OPTIONS)
        else:
            run = solve_version(version=version, name=name, options=OPTIONS)
    return worked_off(owner, run.pk)


def worked_off(owner: Organisation, run_id: UUID) -> PlanRun:
    with owner.acting():
        taken = take_up(run_id=run_id)
    assert taken is not None
    outcome = _outcome(dumps(taken.instance, sort_keys=True))
    with owner.acting():
        assert finish(run_id=run_id, attempt=taken.attempt, outcome=outcome, solver=SOLVER)
        return PlanRun.objects.get(pk=run_id)


@cache
def _outcome(document: str) -> Outcome:
    """Solved once for all tests."""
    instance, options = build_instance(loads(document)), SolveOptions(**OPTIONS)
    result = solve(instance, options)
    return replace(outcome_of(instance, result), insight=insight_of(instance, options, result, lambda: False))


FRAME = ("BEGIN", "COMMIT", "SELECT set_config")


def reads_of(client: Client, address: str) -> list[str]:
    """The statements that a page takes, without the bounds of transactions and the identity in them.

    Four of them come before any page: session, user, membership, organisation.
    """
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return [query["sql"] for query in queries if not query["sql"].startswith(FRAME)]
