"""Experiments and grades as planners and geologists see them, without a browser."""

import csv
import io
import re
from uuid import uuid4

import pytest

from optimization.models import Experiment, GradeRetest
from optimization.studies.actions import request_study
from tests.functional.console.plan_scenes import reads_of
from tests.functional.console.scenes import HOSTILE, sign_in
from tests.functional.console.test_console import text, with_role
from tests.functional.console.test_plan_pages import page_of
from tests.integration.optimization.grades import fitted
from tests.integration.optimization.test_studies import taken, worked_off

QUICK = {"sizes": ["1-1-1-2"], "cases": [1], "draws": 2}
MOST_READS = 10


def asked(owner, name="Silos or one plan"):
    with owner.acting():
        return request_study(kind="silos", name=name, options=QUICK, is_sent=False)


def test_running_experiment_shows_how_far_it_is_and_is_cancelled_by_whom_may(aurora):
    run = asked(aurora)
    taken(aurora, run)
    with aurora.acting():
        Experiment.objects.filter(pk=run.pk).update(progress={"done": 1, "of": 2, "stage": "silos", "elapsed_s": 1.0})
    client = sign_in(aurora)
    assert "1 of 2 solves" in text(page_of(client, "/experiments").encode())
    page = page_of(client, f"/experiments/{run.pk}")
    assert 'max="2" value="1"' in page and "Cancel the experiment" in page
    assert client.post(f"/experiments/{run.pk}/cancel").headers["Location"] == f"/experiments/{run.pk}"
    assert "stopping as asked" in page_of(client, f"/experiments/{run.pk}/body")
    viewer = with_role(aurora, "viewer")
    assert "Cancel the experiment" not in page_of(viewer, f"/experiments/{run.pk}")
    assert viewer.post(f"/experiments/{run.pk}/cancel").status_code == 403
    worked_off_or_gone(aurora, run)


def worked_off_or_gone(owner, run):
    """Nothing stays owed to the workers of other tests."""
    with owner.acting():
        Experiment.objects.filter(pk=run.pk).update(status="cancelled")


def test_finished_experiment_shows_its_figures_with_their_numbers(aurora):
    run = worked_off(aurora, asked(aurora))
    client = sign_in(aurora)
    page = page_of(client, f"/experiments/{run.pk}")
    assert page.count("<svg ") == page.count("<summary>The numbers</summary>") == 2
    assert run.message in text(page.encode()) and "style=" not in page
    places = re.findall(r'href="(/experiments/[^"]+/charts/[^"]+\.csv)"', page)
    rows = list(csv.reader(io.StringIO(client.get(places[0]).content.decode("utf-8-sig"))))
    assert rows[0][0] == "Series" and len(rows) > 2
    alone = client.get(places[0].removesuffix(".csv"))
    assert alone.headers["Content-Security-Policy"].startswith("sandbox allow-scripts")


def test_set_shows_its_samples_its_test_in_words_and_what_newer_samples_said(aurora):
    with aurora.acting():
        made = fitted("Main pits")
    client = sign_in(aurora)
    listed = text(page_of(client, "/grades").encode())
    assert "Main pits" in listed and "version 1" in listed and "laboratory" in listed
    page = page_of(client, f"/grades/{made.pk}")
    shown = text(page.encode())
    assert all(words in shown for words in made.evidence["words"])
    with aurora.acting():
        retest = GradeRetest.objects.get(grade_set=made)
    assert retest.report["words"][0] in shown and page.count("<svg ") >= 1
    place = re.search(r'href="(/grades/[^"]+/charts/[^"]+\.csv)"', page)[1]
    rows = list(csv.reader(io.StringIO(client.get(place).content.decode("utf-8-sig"))))
    assert sum(row[0] == "samples" for row in rows) == 10


@pytest.mark.parametrize("kind", ["grades", "experiments"])
def test_outsider_finds_foreign_and_absent_ones_alike(aurora, cassia, kind):
    with aurora.acting():
        foreign = fitted().pk if kind == "grades" else asked_and_gone(aurora)
    outsider = sign_in(cassia)
    for address in ("/{}/{}", "/{}/{}/charts/figure-1", "/{}/{}/charts/figure-1.csv"):
        answers = [outsider.get(address.format(kind, key)) for key in (foreign, uuid4())]
        assert [answer.status_code for answer in answers] == [404, 404] and answers[0].content == answers[1].content
    empty = {"grades": "No set was fitted yet", "experiments": "No experiment was asked for yet"}
    assert empty[kind] in page_of(outsider, f"/{kind}")
    assert outsider.post(f"/experiments/{foreign}/cancel").status_code == 404


def asked_and_gone(owner):
    run = request_study(kind="silos", name="May", options=QUICK, is_sent=False)
    Experiment.objects.filter(pk=run.pk).update(status="cancelled")
    return run.pk


def test_names_are_inert_and_pages_take_few_queries(aurora):
    with aurora.acting():
        made = fitted(HOSTILE)
    run = worked_off(aurora, asked(aurora, HOSTILE))
    client = sign_in(aurora)
    for address in ("/grades", f"/grades/{made.pk}", "/experiments", f"/experiments/{run.pk}"):
        page = page_of(client, address)
        assert "<script>window" not in page and "&lt;script&gt;" in page
        assert len(reads_of(client, address)) <= MOST_READS, address
