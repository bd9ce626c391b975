"""Plans solved by a real worker: end to end, cancelled, and through the death of worker and broker."""

import json
import os
import subprocess
import sys
import time

import pytest

from tests.database import ROOT
from tests.integration.optimization import documents
from tests.integration.optimization.runs import asked, running_with_news, seen, told

DEAD_BROKER = "redis://:nobody@127.0.0.1:1/0"
pytestmark = pytest.mark.usefixtures("live_worker")


def test_plan_is_solved_checked_and_told(aurora, live_worker):
    client = aurora.client()
    url = asked(client)
    body = seen(client, url, "solved")
    assert body["message"].startswith("Solved: cost ")
    assert (body["violations"], body["attempt"], body["report"]["termination"]) == ([], 1, "optimal")
    assert body["report"]["objective_usd"] == pytest.approx(sum(body["cost_terms_usd"].values()), abs=0.01)
    assert 0 < body["report"]["dual_bound_usd"] <= body["report"]["objective_usd"]
    assert body["solver"].startswith("HiGHS ")
    assert body["report"]["versions"].keys() >= {"cloudmining", "highspy", "pyomo", "python"}
    assert any(row[-1] > 0 for row in client.get(f"{url}/plan").json()["x"])
    assert client.get(f"{url}/explanation").json()["cost"]["total_usd"] == round(body["report"]["objective_usd"], 2)
    assert told(aurora, url)[0] == "plan.queued" and told(aurora, url)[-1] == "plan.solved"
    assert "Traceback" not in live_worker.output, live_worker.output


def test_same_inputs_give_the_same_plan(aurora):
    client = aurora.client()
    urls = [asked(client, seed=3), asked(client, seed=3)]
    for url in urls:
        seen(client, url, "solved")
    first, second = (client.get(f"{url}/plan").json() for url in urls)
    assert first == second


def test_plans_of_one_worker_may_use_different_numbers_of_threads(aurora):
    client = aurora.client()
    urls = [asked(client, threads=threads) for threads in (1, 2, 1)]
    assert {seen(client, url, "solved", "failed")["status"] for url in urls} == {"solved"}


def test_instance_without_a_plan_is_explained_in_words(aurora):
    client = aurora.client()
    url = asked(client, documents.infeasible())
    body = seen(client, url, "infeasible")
    assert "mine 1: best worst-case grade" in body["explanation"][0]
    assert body["explanation"][0] in body["message"]
    assert client.get(f"{url}/explanation").json()["diagnosis"]["repair_usd"] > 0
    assert client.get(f"{url}/plan").status_code == 409
    assert told(aurora, url)[0] == "plan.queued" and told(aurora, url)[-1] == "plan.infeasible"


def test_time_limit_without_a_plan_says_so(aurora):
    client = aurora.client()
    body = seen(client, asked(client, documents.long(), time_limit_s=0.2), "no_plan")
    assert "give it more time" in body["message"]
    assert body["report"]["objective_usd"] is body["report"]["relative_gap"] is None


def test_running_plan_reports_progress_and_is_cancelled_within_about_a_second(aurora):
    client = aurora.client()
    url = asked(client, documents.long(), time_limit_s=60, gap=0)
    progress = running_with_news(client, url)["progress"]
    assert progress["bound"] >= 0
    started = time.monotonic()
    assert client.post(f"{url}/cancel").json()["cancel_requested_at"]
    body = seen(client, url, "cancelled")
    assert time.monotonic() - started < 3
    assert body["message"].startswith("Cancelled after ")
    assert told(aurora, url) == ["plan.queued", "plan.progress", "plan.stopped"]


ASK_WITHOUT_BROKER = """
import json, os, sys, time, django
django.setup()
from django.test.utils import setup_test_environment
from rest_framework.test import APIClient
setup_test_environment()
client = APIClient(headers={"Authorization": "Api-Key " + os.environ["KEY"]})
body = json.load(sys.stdin)
client.get("/api/v1/plans")  # what a fresh process imports and connects is not what is measured
started = time.monotonic()
answer = client.post("/api/v1/plans", body)
print(json.dumps([answer.status_code, answer["Location"], time.monotonic() - started]))
"""


def test_request_with_a_dead_broker_is_taken_quickly_and_solved_by_the_sweep(aurora):
    answer = subprocess.run(
        [sys.executable, "-c", ASK_WITHOUT_BROKER],
        cwd=ROOT,
        env={**os.environ, "REDIS_URL": DEAD_BROKER, "KEY": aurora.key()},
        input=json.dumps({"name": "May", "instance": documents.small()}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    status, url, took_s = json.loads(answer.stdout)
    assert status == 202
    assert took_s < 10, "as long as it would wait for a broker"
    assert "stays owed" in answer.stderr
    assert seen(aurora.client(), url, "solved")["attempt"] == 1
