"""Studies run by a real worker: end to end, cancelled, and through the worker's death."""

import time

import pytest

from optimization.models import Experiment, ExperimentCase
from tests.integration.optimization import documents
from tests.integration.optimization.test_studies import events
from tests.live_worker import LiveWorker

URL = "/api/v1/experiments"
MANY = {"sizes": ["2-1-2-3"], "cases": [1, 2], "draws": 8, "gap": 0.001}
LONG = {"sizes": ["30-5-20-10"], "cases": [5], "draws": 2, "gap": 0, "time_limit_s": 60}


@pytest.fixture(scope="module")
def studies_worker():
    with LiveWorker({"SWEEP_S": "1"}, beat=True, queues="default,studies") as worker:
        yield worker


def asked(client, kind, options, **more):
    answer = client.post(URL, {"kind": kind, "name": "May", "options": options, **more})
    assert answer.status_code == 202, answer.content
    return answer["Location"]


def seen(client, url, is_there, within_s=240.0):
    deadline = time.monotonic() + within_s
    while not is_there(body := client.get(url).json()):
        assert time.monotonic() < deadline, body
        time.sleep(0.2)
    return body


def ended(body):
    return body["finished_at"] is not None


def done(organisation, url):
    with organisation.acting():
        return set(ExperimentCase.objects.filter(experiment=url.rpartition("/")[2]).values_list("id", flat=True))


def test_own_plan_is_studied_and_told(aurora, studies_worker):
    client = aurora.client()
    plan = client.post("/api/v1/plans", {"name": "May", "instance": documents.small()}).json()
    url = asked(client, "protection", {}, plan=plan["id"])
    body = seen(client, url, ended)
    assert (body["status"], body["attempt"]) == ("solved", 1)
    assert "missing demand" in body["message"] or "demand is missed" in body["message"]
    rows = client.get(f"{url}/results").json()["rows"]
    assert len(rows) == 5 and all("instance" in row for row in rows)
    kinds = [kind for kind, _ in events(aurora, body["id"])]
    assert kinds[0] == "experiment.queued" and kinds[-1] == "experiment.solved"
    assert "Traceback" not in studies_worker.output, studies_worker.output


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_study_of_a_killed_worker_goes_on_where_it_stopped(aurora, studies_worker):
    client = aurora.client()
    url = asked(client, "robustness", MANY)
    seen(client, url, lambda body: len(done(aurora, url)) >= 3)
    studies_worker.kill()
    before = done(aurora, url)
    studies_worker.start()
    body = seen(client, url, ended)
    assert (body["status"], body["attempt"]) == ("solved", 2)
    after = done(aurora, url)
    assert before < after and len(after) == 2 * 9
    with aurora.acting():
        assert len({case.key for case in ExperimentCase.objects.filter(id__in=after)}) == len(after)
        rows = Experiment.objects.get(pk=body["id"]).summary["rows"]
    assert [row["n"] for row in rows] == [8] * 4
    assert [kind for kind, _ in events(aurora, body["id"])].count("experiment.solved") == 1


def test_running_study_says_how_far_it_is_and_is_cancelled_from_within_a_solve(aurora, studies_worker):
    client = aurora.client()
    url = asked(client, "robustness", LONG)
    body = seen(client, url, lambda body: (body["progress"] or {}).get("of"))
    assert (body["progress"]["done"], body["progress"]["of"]) == (0, 3)
    assert body["progress"]["stage"] == "30-5-20-10, case 5, replan, draw 0"
    assert client.post(f"{url}/cancel").json()["cancel_requested_at"]
    body = seen(client, url, ended, within_s=5)
    assert (body["status"], body["message"][:29]) == ("cancelled", "Cancelled after 0 of 3 solves")
    assert client.get(f"{url}/results").json() == {"rows": [], "conclusions": []}
