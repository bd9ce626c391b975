"""`manage.py experiment` as an operator runs it."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from optimization import actions as planning
from optimization.management.commands import experiment
from optimization.models import Experiment
from tests.integration.optimization import documents
from tests.integration.optimization.scenes import colleague

QUICK = ["--size", "1-1-1-2", "--cases", "1", "--draws", "2"]


def run(organisation, *more, study="silos"):
    told = StringIO()
    who = ["--organisation", organisation.tenant.slug, "--user", organisation.user.email]
    call_command("experiment", study, *who, *more, stdout=told)
    return told.getvalue()


def stored(organisation):
    with organisation.acting():
        return Experiment.objects.get()


def test_study_in_the_foreground_is_kept_and_its_results_are_written(aurora, tmp_path):
    told = run(aurora, *QUICK, "--output", str(tmp_path / "out"))
    done = stored(aurora)
    assert (done.status, done.attempt, done.requested_by_id) == ("solved", 1, aurora.user.pk)
    assert str(done.pk) in told and done.summary["conclusions"][0] in told
    assert {"silos.csv", "silos.json", "silos-1-1-1-2-case-1.svg"} <= {p.name for p in (tmp_path / "out").iterdir()}


def test_plan_of_the_organisation_is_studied(aurora):
    with aurora.acting():
        plan = planning.request_plan(name="May", instance=documents.small(), options={})
    run(aurora, "--plan", str(plan.pk))
    assert stored(aurora).options["plan"] == str(plan.pk)


def test_interrupted_study_is_cancelled_and_says_how_far_it_came(aurora, monkeypatch):
    monkeypatch.setattr(experiment, "stopping", lambda: lambda: True)
    with pytest.raises(CommandError, match="Cancelled after 0 of 2 solves"):
        run(aurora, *QUICK)
    assert stored(aurora).status == "cancelled"


def test_queued_study_waits_for_a_worker(aurora):
    assert "queued" in run(aurora, *QUICK, "--queue")
    assert stored(aurora).status == "queued"


def test_what_is_not_allowed_or_not_understood_is_refused_in_words(aurora, cassia):
    with pytest.raises(CommandError, match="is no member of"):
        call_command("experiment", "silos", "--organisation", aurora.tenant.slug, "--user", cassia.user.email)
    with pytest.raises(CommandError, match="/options/sizes: size '3-2'"):
        run(aurora, "--size", "3-2")
    viewer = colleague(aurora, "viewer")
    with pytest.raises(CommandError, match="run_plans"):
        run(viewer, *QUICK)
    with aurora.acting():
        assert not Experiment.objects.exists()
