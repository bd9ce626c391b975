"""Experiments over HTTP: what is stored, told and refused, and their life in the database. No worker runs."""

import csv
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.test import override_settings

from optimization import actions as planning
from optimization.dispatch import DOORS
from optimization.experiments.ledger import Stopped
from optimization.experiments.studies import STUDIES
from optimization.models import Experiment, ExperimentCase, PlanRun
from optimization.studies import actions, running
from optimization.studies.running import FRUITLESS_ATTEMPTS, GIVEN_UP, Cases, carry_out
from tenants.context import as_platform
from tenants.models import FeedEvent
from tests.integration.optimization import documents, joint_scenes

URL = "/api/v1/experiments"
QUICK = {"sizes": ["1-1-1-2"], "cases": [1], "draws": 2}


def ask(client, **changes):
    return client.post(URL, {"kind": "silos", "name": "May", "options": QUICK, **changes})


def asked(organisation, kind="silos", **options):
    with organisation.acting():
        return actions.request_study(kind=kind, name="May", options={**QUICK, **options}, is_sent=False)


def taken(organisation, run):
    with organisation.acting():
        return planning.take_up(run_id=run.pk, model=Experiment)


def worked_off(organisation, run):
    """What a worker does, without the worker."""
    carry_out(organisation.actor(), taken(organisation, run))
    with organisation.acting():
        return Experiment.objects.get(pk=run.pk)


def silent_for(organisation, run, seconds):
    """As if its worker had died then."""
    then = datetime.now(UTC) - timedelta(seconds=seconds)
    with organisation.acting():
        Experiment.objects.filter(pk=run.pk).update(heartbeat_at=then, owed_at=then + planning.STALE)


def events(organisation, run_id):
    with organisation.acting():
        rows = FeedEvent.objects.filter(body__experiment=str(run_id)).order_by("seq")
        return [(row.kind, row.body) for row in rows]


# Asking -------------------------------------------------------------------------------------------------------------


def test_study_is_answered_at_once_stored_as_asked_and_told(aurora):
    client = aurora.client()
    answer = ask(client, options={"sizes": ["1-1-1-2"], "cases": [2], "gap": 0.02})
    assert answer.status_code == 202
    body = answer.json()
    assert answer["Location"] == f"{URL}/{body['id']}"
    assert (body["kind"], body["status"], body["attempt"], body["progress"]) == ("silos", "queued", 0, None)
    limits = {"gap": 0.02, "time_limit_s": 20.0, "threads": 1}
    assert body["options"] == {"sizes": ["1-1-1-2"], "cases": [2], "seed": 1, "draws": 20, **limits}
    assert client.get(answer["Location"]).json() == body
    assert [row["id"] for row in client.get(URL).json()["results"]] == [body["id"]]
    assert events(aurora, body["id"]) == [
        ("experiment.queued", {"experiment": body["id"], "name": "May", "status": "queued"})
    ]


def test_kinds_say_what_each_study_shows(aurora):
    kinds = aurora.client().get(f"{URL}/kinds").json()["kinds"]
    assert kinds.keys() == STUDIES.keys() and all(kinds.values())


def test_request_sent_again_has_its_effect_once(aurora):
    client = aurora.client()
    body = {"kind": "silos", "name": "May", "options": QUICK}
    first, again = (client.post(URL, body, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert len(client.get(URL).json()["results"]) == 1


BAD = [
    ({"kind": "hope"}, "/kind"),
    ({"name": ""}, "/name"),
    ({"plan": "x"}, "/plan"),
    ({"options": None}, "/options"),
    ({"options": {"sizes": ["3-2"]}}, "/options/sizes"),
    ({"options": {"draws": "many"}}, "/options/draws"),
    ({"options": {"speed": 1}}, "/options"),
    ({"options": {"sizes": ["table-2"], "cases": [1, 2, 3, 4, 5], "time_limit_s": 3000}}, "/options/time_limit_s"),
    ({"options": {"sizes": ["90-9-90-90"]}}, "/options/sizes/0"),
]


@pytest.mark.parametrize(("changes", "pointer"), BAD)
def test_bad_request_is_refused_with_its_place_and_nothing_is_stored(aurora, changes, pointer):
    answer = ask(aurora.client(), **changes)
    assert answer.status_code == 422, answer.content
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    with aurora.acting():
        assert not Experiment.objects.exists()


@override_settings(STUDY_TIME_LIMIT_S=30)
def test_study_that_could_take_too_long_is_refused_with_what_would_do(aurora):
    (error,) = ask(aurora.client()).json()["errors"]
    assert error["pointer"] == "/options/time_limit_s"
    assert "2 solves of up to 20 s may take 40 s, more than 30 s: give 15.0 s" in error["message"]


def test_own_plan_is_studied_and_takes_no_sizes(aurora):
    client = aurora.client()
    with aurora.acting():
        plan = planning.request_plan(name="May", instance=documents.small(), options={})
    errors = ask(client, plan=str(plan.pk)).json()["errors"]
    assert [error["pointer"] for error in errors] == ["/options/sizes", "/options/cases"]
    body = ask(client, plan=str(plan.pk), kind="protection", options={"gap": 0.01}).json()
    assert body["options"]["plan"] == str(plan.pk) and "sizes" not in body["options"]
    with aurora.acting():
        run = Experiment.objects.get(pk=body["id"])
    done = worked_off(aurora, run)
    rows = done.summary["rows"]
    assert done.status == "solved" and [row["budget"] for row in rows] == [0, 0.5, 1, 1.5, 2]
    assert len({row["instance"] for row in rows}) == 1
    assert "chance of missing demand" in done.message or "demand is missed" in done.message


def test_plan_of_several_organisations_is_not_studied(aurora):
    joint_scenes.alone(aurora)
    with aurora.acting():
        plan = PlanRun.objects.exclude(joint=None).get()
    answer = ask(aurora.client(), plan=str(plan.pk), options={})
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, ["/plan"])


def test_foreign_plan_is_no_more_there_than_an_absent_one(aurora, cassia):
    with aurora.acting():
        plan = planning.request_plan(name="May", instance=documents.small(), options={})
    foreign, absent = (ask(cassia.client(), plan=str(key), options={}) for key in (plan.pk, uuid4()))
    assert (foreign.status_code, foreign.content) == (404, absent.content)


def test_outsider_finds_foreign_and_absent_experiments_alike(aurora, cassia):
    run, outsider = worked_off(aurora, asked(aurora)), cassia.client()
    paths = [("get", p) for p in ("", "/results", "/results.csv", "/figures")] + [("post", "/cancel")]
    for method, path in paths:
        foreign = getattr(outsider, method)(f"{URL}/{run.pk}{path}")
        absent = getattr(outsider, method)(f"{URL}/{uuid4()}{path}")
        assert (foreign.status_code, foreign.content) == (404, absent.content)
    assert outsider.get(URL).json()["results"] == []
    with cassia.acting():
        assert not Experiment.objects.exists() and not ExperimentCase.objects.exists()


def test_key_that_may_only_view_neither_asks_nor_cancels(aurora):
    run, viewer = asked(aurora), aurora.client(["view_plans"])
    assert viewer.get(f"{URL}/{run.pk}").status_code == 200
    assert ask(viewer).status_code == viewer.post(f"{URL}/{run.pk}/cancel").status_code == 403


# Results ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["robustness", "sensitivity", "protection"])
def test_study_ends_with_rows_a_table_and_figures(aurora, kind):
    client, run = aurora.client(), worked_off(aurora, asked(aurora, kind))
    body = client.get(f"{URL}/{run.pk}").json()
    assert (body["status"], body["attempt"]) == ("solved", 1)
    results = client.get(f"{URL}/{run.pk}/results").json()
    figures = client.get(f"{URL}/{run.pk}/figures").json()["figures"]
    assert [figure["layout"]["title"]["text"] for figure in figures.values()] == results["conclusions"]
    assert body["message"] == f"{results['conclusions'][0]}."
    answer = client.get(f"{URL}/{run.pk}/results.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(answer.content.decode("utf-8-sig").splitlines()))
    assert len(table) == len(results["rows"]) >= 1
    assert events(aurora, run.pk)[-1][0] == "experiment.solved"


def test_results_that_are_not_there_yet_are_a_conflict_in_words(aurora):
    client, run = aurora.client(), asked(aurora)
    for path in ("results", "results.csv", "figures"):
        answer = client.get(f"{URL}/{run.pk}/{path}")
        assert answer.status_code == 409 and "queued" in answer.json()["detail"]


def test_waiting_study_is_cancelled_at_once_and_only_once(aurora):
    client, run = aurora.client(), asked(aurora)
    assert client.post(f"{URL}/{run.pk}/cancel").json()["status"] == "cancelled"
    again = client.post(f"{URL}/{run.pk}/cancel")
    assert (again.status_code, again.json()["detail"][:14]) == (409, "The experiment")
    assert [kind for kind, _ in events(aurora, run.pk)] == ["experiment.queued", "experiment.stopped"]


def test_cancelled_study_shows_the_cases_that_were_whole(aurora, monkeypatch):
    run = asked(aurora, cases=[1, 2])
    put = Cases.put

    def put_and_cancel(self, key, row):
        put(self, key, row)
        if len(self) == 3:
            raise Stopped

    monkeypatch.setattr(Cases, "put", put_and_cancel)
    done = worked_off(aurora, run)
    assert (done.status, done.message) == ("cancelled", "Cancelled after 2 of 4 solves.")
    assert [row["case"] for row in done.summary["rows"]] == [1, 1]
    assert aurora.client().get(f"{URL}/{run.pk}/figures").json()["figures"].keys() >= {"1-1-1-2-case-1"}


# The life of a study ------------------------------------------------------------------------------------------------


def test_later_attempt_solves_only_what_the_earlier_one_left(aurora, monkeypatch):
    run = asked(aurora, "sensitivity")
    first = taken(aurora, run)
    put = Cases.put

    def put_and_die(self, key, row):
        put(self, key, row)
        if len(self) == 3:
            raise MemoryError

    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(Cases, "put", put_and_die)
        carry_out(aurora.actor(), first)
    with aurora.acting():
        before = set(ExperimentCase.objects.filter(experiment=run).values_list("id", flat=True))
    assert len(before) == 3
    silent_for(aurora, run, 20)
    done = worked_off(aurora, run)
    assert (done.status, done.attempt) == ("solved", 2)
    with aurora.acting():
        after = set(ExperimentCase.objects.filter(experiment=run).values_list("id", flat=True))
    assert before < after and len(after) == 7


def test_worker_that_was_taken_over_adds_nothing_and_releases_nothing(aurora):
    run = asked(aurora)
    late = taken(aurora, run)
    silent_for(aurora, run, 20)
    second = taken(aurora, run)
    assert second.attempt == 2
    with pytest.raises(Stopped):
        Cases(aurora.actor(), late).put({"study": "late"}, {"objective_usd": 1.0})
    carry_out(aurora.actor(), late)
    with aurora.acting():
        assert not ExperimentCase.objects.filter(experiment=run).exists()
        assert Experiment.objects.get(pk=run.pk).status == "running"


def test_study_that_kills_every_worker_is_given_up_but_not_one_that_comes_further(aurora):
    run = asked(aurora)
    for _ in range(FRUITLESS_ATTEMPTS):
        taken(aurora, run)
        silent_for(aurora, run, 20)
    done = worked_off(aurora, run)
    assert (done.status, done.message, done.attempt) == ("failed", GIVEN_UP, FRUITLESS_ATTEMPTS + 1)

    run = asked(aurora)
    for attempt in range(FRUITLESS_ATTEMPTS):
        now = taken(aurora, run)
        if attempt == 0:
            Cases(aurora.actor(), now).put({"study": "test"}, {"objective_usd": 1.0})
        silent_for(aurora, run, 20)
    assert worked_off(aurora, run).status == "solved"


def test_sweep_finds_owed_studies_and_who_asked(aurora):
    run = asked(aurora)
    taken(aurora, run)
    silent_for(aurora, run, 20)
    with as_platform("tests", "look for owed studies"):
        found = {run_id: actor for actor, run_id in planning.claim_owed(Experiment)}
    assert found[run.pk] == aurora.actor()
    assert DOORS["experiment"] == ("optimization.run_study", "studies")


def test_study_of_a_plan_that_the_checker_refuses_fails_in_words(aurora, monkeypatch):
    def refuse(kind, asked, subjects, ledger):
        raise running.Rejected("the plan misses 8 at mine 1")

    monkeypatch.setattr(running, "rows_of", refuse)
    done = worked_off(aurora, asked(aurora))
    assert (done.status, done.message) == ("failed", "It can't go on: the plan misses 8 at mine 1")
    assert events(aurora, done.pk)[-1][0] == "experiment.failed"


def test_study_whose_plan_is_gone_from_sight_fails_in_words(aurora):
    """Its asker may have lost the right meanwhile."""
    with aurora.acting():
        plan = planning.request_plan(name="May", instance=documents.small(), options={})
        run = actions.request_study(kind="silos", name="May", options={}, plan=plan.pk, is_sent=False)
    now = taken(aurora, run)
    carry_out(aurora.actor("viewer"), now)
    with aurora.acting():
        done = Experiment.objects.get(pk=run.pk)
    assert done.status == "failed" and "run_plans" in done.message


def test_replanning_without_a_plan_to_keep_says_so(aurora):
    with aurora.acting():
        plan = planning.request_plan(name="May", instance=documents.infeasible(), options={})
        run = actions.request_study(kind="replanning", name="May", options={}, plan=plan.pk, is_sent=False)
    done = worked_off(aurora, run)
    assert (done.status, done.message) == ("solved", "No plan was found, so there is nothing to show.")


def test_what_was_asked_and_what_came_out_never_change(aurora):
    run = asked(aurora)
    with pytest.raises(IntegrityError, match="never changes"), aurora.acting():
        Experiment.objects.filter(pk=run.pk).update(options={})
    worked_off(aurora, run)
    with pytest.raises(IntegrityError, match="finished experiment never changes"), aurora.acting():
        Experiment.objects.filter(pk=run.pk).update(message="better")
    with aurora.acting():
        assert ExperimentCase.objects.filter(experiment=run).update(result={}) == 0
        assert ExperimentCase.objects.filter(experiment=run).delete()[0] == 0
