"""The life of a run in the database: who may take it up, whose result counts, what the sweep finds. No worker runs."""

from datetime import UTC, datetime, timedelta

import pytest

from optimization import actions, api
from optimization.checker import check_plan
from optimization.data import Plan, SolveOptions
from optimization.instance_builder import build_instance
from optimization.models import Experiment, PlanRun
from optimization.outcome import Outcome, PlanStatus, outcome_of
from optimization.solver import solve
from optimization.tasks import GIVEN_UP, MAX_ATTEMPTS, solve_plan, sweep_owed_plans
from tenants.context import as_platform
from tenants.data import Conflict, Forbidden, Invalid, NotFound
from tenants.models import FeedEvent, PlatformAccess
from tests.integration.optimization import documents

RELEASED = Outcome(PlanStatus.SOLVED, "Solved.", report={"objective_usd": 5.0}, plan={"x": []})


def requested(organisation, *roles):
    with organisation.acting(*roles):
        return api.request_plan(name="May", instance=documents.small(), options={}).pk


def taken(organisation, run_id):
    with organisation.acting():
        return actions.take_up(run_id=run_id)


def finished(organisation, run_id, attempt, outcome=RELEASED):
    with organisation.acting():
        return actions.finish(run_id=run_id, attempt=attempt, outcome=outcome, solver="test")


def silent_for(organisation, run_id, seconds):
    """As if its worker had died then."""
    then = datetime.now(UTC) - timedelta(seconds=seconds)
    with organisation.acting():
        PlanRun.objects.filter(pk=run_id).update(heartbeat_at=then, owed_at=then + actions.STALE)


def claimed():
    with as_platform("tests", "look for owed plans"):
        return {run_id: actor for actor, run_id in actions.claim_owed()}


def test_second_delivery_of_one_task_finds_nothing_to_take_up(aurora):
    run_id = requested(aurora)
    assert taken(aurora, run_id).attempt == 1
    assert taken(aurora, run_id) is None
    assert finished(aurora, run_id, 1)
    assert taken(aurora, run_id) is None


def test_late_result_of_a_worker_thought_dead_is_discarded(aurora):
    run_id = requested(aurora)
    taken(aurora, run_id)
    silent_for(aurora, run_id, 20)
    assert taken(aurora, run_id).attempt == 2
    with aurora.acting():
        assert not actions.record_progress(run_id=run_id, attempt=1, progress=None)
    assert not finished(aurora, run_id, 1)
    assert finished(aurora, run_id, 2)
    assert not finished(aurora, run_id, 2)
    with aurora.acting():
        assert FeedEvent.objects.filter(kind="plan.solved").count() == 1


def test_worker_heard_lately_is_not_taken_over(aurora):
    run_id = requested(aurora)
    taken(aurora, run_id)
    silent_for(aurora, run_id, 10)
    assert taken(aurora, run_id) is None


def test_pulse_is_told_to_stop_once_cancelling_is_asked_for(aurora):
    run_id = requested(aurora)
    taken(aurora, run_id)
    with aurora.acting():
        assert actions.record_progress(run_id=run_id, attempt=1, progress={"stage": "solving", "bound": 3.0})
        actions.cancel_plan(run=api.get_plan(run_id))
    with aurora.acting():
        assert not actions.record_progress(run_id=run_id, attempt=1, progress=None)
        news = FeedEvent.objects.get(kind="plan.progress").body
    assert (news["stage"], news["bound"], news["status"]) == ("solving", 3.0, "running")


def test_plan_of_a_dead_worker_is_cancelled_at_once(aurora):
    run_id = requested(aurora)
    taken(aurora, run_id)
    silent_for(aurora, run_id, 20)
    with aurora.acting():
        run = api.get_plan(run_id)
        actions.cancel_plan(run=run)
        assert run.status == PlanStatus.CANCELLED
    assert not finished(aurora, run_id, 1)


def test_cancelling_a_solved_plan_is_a_conflict(aurora):
    run_id = requested(aurora)
    taken(aurora, run_id)
    finished(aurora, run_id, 1)
    with pytest.raises(Conflict), aurora.acting():
        actions.cancel_plan(run=api.get_plan(run_id))


def test_sweep_finds_what_is_owed_and_who_asked(aurora):
    fresh, silent, alive = (requested(aurora, "planner") for _ in range(3))
    taken(aurora, silent)
    taken(aurora, alive)
    silent_for(aurora, silent, 20)
    found = claimed()
    assert found.keys() & {fresh, silent, alive} == {silent}
    assert found[silent] == aurora.actor("planner")


def test_owed_plan_is_left_alone_for_as_long_as_it_has_waited(aurora):
    run_id = requested(aurora)
    taken(aurora, run_id)
    silent_for(aurora, run_id, 100)
    assert run_id in claimed()
    assert run_id not in claimed()
    with aurora.acting():
        wait = PlanRun.objects.get(pk=run_id).owed_at - datetime.now(UTC)
    assert timedelta(seconds=90) < wait <= timedelta(seconds=101)


def test_sweep_that_finds_nothing_leaves_no_trace(aurora):
    with as_platform("tests", "let nothing be owed for now"):
        for model in (PlanRun, Experiment):
            model.objects.filter(finished_at=None).update(owed_at=datetime.now(UTC) + timedelta(hours=1))

    def uses():
        with as_platform("tests", "count uses of the platform role"):
            return sum(PlatformAccess.objects.filter(who="sweep").values_list("uses", flat=True))

    before = uses()
    sweep_owed_plans()
    assert uses() == before
    run_id = requested(aurora)
    taken(aurora, run_id)
    silent_for(aurora, run_id, 20)
    sweep_owed_plans()
    assert uses() == before + 1


def test_plan_that_kills_every_worker_is_given_up_in_words(aurora):
    run_id = requested(aurora)
    for _ in range(MAX_ATTEMPTS):
        taken(aurora, run_id)
        silent_for(aurora, run_id, 20)
    solve_plan.apply(args=[str(run_id)], headers={"actor": header(aurora)}, throw=True)
    with aurora.acting():
        run = api.get_plan(run_id)
    assert (run.status, run.message) == (PlanStatus.FAILED, GIVEN_UP)


def header(organisation):
    who = {"tenant": str(organisation.id), "user": None, "roles": ["owner"], "via": "test:direct"}
    return {**who, "scopes": None, "purpose": ""}


def test_latest_plan_is_the_newest_that_was_solved(aurora, cassia):
    first, second, third = (requested(aurora) for _ in range(3))
    for run_id in (second, first):
        taken(aurora, run_id)
        finished(aurora, run_id, 1)
    taken(aurora, third)
    finished(aurora, third, 1, Outcome(PlanStatus.INFEASIBLE, "No plan exists."))
    with aurora.acting():
        assert api.latest_plan().pk == second
    with cassia.acting():
        assert api.latest_plan() is None


def test_another_app_is_held_to_the_same_rules(aurora, cassia):
    run_id = requested(aurora)
    with aurora.acting("viewer"), pytest.raises(Forbidden):
        api.request_plan(name="May", instance=documents.small(), options={})
    with aurora.acting(), pytest.raises(Invalid) as refused:
        api.request_plan(name="May", instance={}, options={"gap": -1})
    assert {error.pointer for error in refused.value.errors} == {"/instance", "/options/gap"}
    with cassia.acting(), pytest.raises(NotFound):
        api.get_plan(run_id)


def test_plan_that_the_checker_rejects_is_never_released():
    instance = build_instance(documents.small())
    result = solve(instance, SolveOptions())
    short = Plan(**{**{name: getattr(result.plan, name) for name in Plan.__dataclass_fields__}, "z": {}})
    assert not check_plan(instance, short).is_valid
    outcome = outcome_of(instance, type(result)(short, result.report))
    assert (outcome.status, outcome.plan, outcome.cost_terms_usd) == (PlanStatus.FAILED, None, None)
    assert outcome.violations
    assert "is not released" in outcome.message
    assert outcome_of(instance, result).status == PlanStatus.SOLVED
