"""A plan whose parts are spread over workers, any of which may be killed: it is released once, and always the same."""

import time

import pytest

from optimization.data import Plan, SolveOptions
from optimization.generator import generate
from optimization.instance_builder import build_plan
from optimization.solver import solve
from tenants.models import FeedEvent
from tests.integration.optimization.runs import asked, seen
from tests.live_worker import LiveWorker

INSTANCE = generate(6, 3, 6, 5, 3, 3, seed=1)
OPTIONS = {"gap": 0.005, "seed": 4}
RECEIVED = "Task optimization.solve_part"


@pytest.fixture(scope="module")
def coordinator():
    with LiveWorker({"SWEEP_S": "1"}, beat=True, name="coordinator") as worker:
        yield worker


@pytest.fixture(scope="module")
def helper(coordinator):
    with LiveWorker(queues="parts", name="helper") as worker:
        yield worker


@pytest.fixture(scope="module")
def at_home() -> Plan:
    return solve(INSTANCE, SolveOptions(**OPTIONS)).plan


def asked_and_killed_once_parts_are_sent(
    client, n: int, victim: LiveWorker, helper: LiveWorker
) -> tuple[str, list[str]]:
    """The plan that the coordinator had in hand when the victim was killed, and the `n` - 1 others, by address.

    A part that the helper takes may be left over from an earlier plan, so the plan has to be running too.
    """
    at, deadline = len(helper.output), time.monotonic() + 120
    urls = [ask(client) for _ in range(n)]
    while RECEIVED not in helper.output[at:] or not (in_hand := running(client, urls)):
        assert time.monotonic() < deadline, helper.output[at:]
        time.sleep(0.02)
    victim.kill()
    return in_hand[0], [url for url in urls if url not in in_hand]


def running(client, urls: list[str]) -> list[str]:
    return [url for url in urls if client.get(url).json()["status"] == "running"]


def ask(client):
    return asked(client, INSTANCE.to_document(), **OPTIONS)


def plan_of(client, url) -> Plan:
    return build_plan(client.get(f"{url}/plan").json())


@pytest.mark.chaos
@pytest.mark.timeout(600)  # five starts of workers and four solves, on a machine that has other work
def test_plan_is_the_same_and_released_once_whoever_of_its_workers_is_killed(aurora, coordinator, helper, at_home):
    client = aurora.client()
    without_helper, _ = asked_and_killed_once_parts_are_sent(client, 1, helper, helper)
    body = seen(client, without_helper, "solved")
    assert (body["attempt"], body["violations"]) == (1, [])
    helper.start()

    taken_over, (waiting,) = asked_and_killed_once_parts_are_sent(client, 2, coordinator, helper)
    coordinator.start()
    body = seen(client, taken_over, "solved", within_s=300)
    assert (body["attempt"], body["violations"]) == (2, [])
    assert seen(client, waiting, "solved")["attempt"] == 1

    assert [plan_of(client, url) == at_home for url in (without_helper, taken_over, waiting)] == [True] * 3
    assert "Traceback" not in helper.output, helper.output
    with aurora.acting():
        assert FeedEvent.objects.filter(kind="plan.solved").count() == 3
