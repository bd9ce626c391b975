"""From an analyser's alarm to the proposal of a new plan: what it measured decides whether the grades still hold."""

import json

import pytest

from edge_bridge.protocol import Lane
from marketplace.models import Reaction
from marketplace.reactions.analysers import place_of
from optimization.grades import actions as grades
from optimization.models import GradeSet, SampleBatch
from optimization.uncertainty.estimation import FitOptions
from optimization.uncertainty.mines import FitSettings
from optimization.uncertainty.samples import Sample
from tenants.data import Conflict
from tenants.ledger.api import entries_where
from tenants.models import FeedEvent, Membership
from tests.integration.edge.scenes import gateway, raised
from tests.integration.edge.test_trends import sent
from tests.integration.marketplace.reactions import made, swept, switch_on

LIKE = [60.1, 59.6, 60.4, 59.9, 60.2, 59.7]
POORER = [48.1, 47.6, 48.4, 47.9, 48.2, 47.7]
SETTINGS = FitSettings(FitOptions())


def fitted(owner, *locations: str, mine: str = "aurora north"):
    """A set of mine North from assays around 60 %."""
    with owner.acting():
        samples = [
            Sample(location, "55 %", 0.6 + (k % 7 - 3) * 0.004, mine=mine) for location in locations for k in range(14)
        ]
        grades.add_samples(source="laboratory", samples=samples)
        return grades.fit_set(name="May", settings=SETTINGS, asked={}, batch_ids=None)


def measured(owner, values, tag: str = "ore_grade", unit: str = "%", **said):
    """Four hours of the analyser on the pump, then its chart's alarm."""
    edge = gateway(owner)
    hours = [value + swing for swing in (0.0, 0.3, -0.2, 0.1) for value in values]
    sent(owner, hours, step_s=600, tag=tag, unit=unit, edge=edge)
    alarm = {"alarm_type": "grade drifts", "tag": tag, "rule": "cusum", "severity": "high", "code": "PUMP-07"}
    edge.say(Lane.P1, raised(values[-1], **alarm | said))


def events(owner, like: str) -> list[FeedEvent]:
    with owner.acting():
        return list(FeedEvent.objects.filter(kind__startswith=like).order_by("seq"))


def outcomes(owner) -> list[tuple[str, str]]:
    return [(row.reaction, row.outcome) for row in made(owner)]


@pytest.mark.parametrize("tag", ["ore_grade", "head_grade", "ore_grade_2"])
def test_drift_that_an_analyser_sees_becomes_the_draft_of_a_new_plan_with_its_evidence(aurora, cassia, tag):
    grade_set = fitted(aurora, "pit 1")
    switch_on(aurora, "analyser_drifted"), switch_on(aurora, "grades_drifted")
    measured(aurora, POORER, tag)
    assert sum(swept(aurora) for _ in range(3)) == 2
    assert outcomes(aurora) == [("analyser_drifted", "done"), ("grades_drifted", "done")]
    first, second = made(aurora)
    assert "no longer fits" in first.words and "the mean moved from 0.6" in first.words
    (drifted,) = events(aurora, "grades.")
    assert (drifted.kind, drifted.body["set"]) == ("grades.drifted", str(grade_set.pk))
    assert second.task.snapshot["evidence"]["grades"] == {
        name: drifted.body[name] for name in ("set", "name", "version", "batch", "words")
    }
    assert (second.task.state, second.task.category) == ("draft", "planning")
    with aurora.acting():
        batch = SampleBatch.objects.get(pk=drifted.body["batch"])
        entry = json.loads(entries_where(subject=batch.pk).get().payload)
    assert (batch.is_telemetry, batch.n, batch.source) == (True, 4, f"{tag} of PUMP-07, 4 hours")
    assert {row["location"] for row in batch.samples} == {"pit 1"} and 0.47 < batch.samples[0]["value"] < 0.49
    assert (entry["hours"], entry["alarm"]) == (4, str(first.subject_id))
    assert [(each["name"], each["is_holding"]) for each in entry["sets"]] == [("May", False)]
    assert events(cassia, "grades.") == [] and made(cassia) == []


def test_analyser_whose_ore_is_as_it_was_proposes_nothing(aurora):
    fitted(aurora, "pit 1")
    switch_on(aurora, "analyser_drifted"), switch_on(aurora, "grades_drifted")
    measured(aurora, LIKE)
    assert sum(swept(aurora) for _ in range(2)) == 1
    assert outcomes(aurora) == [("analyser_drifted", "nothing")] and " stands" in made(aurora)[0].words
    assert [event.kind for event in events(aurora, "grades.")] == ["grades.held"]


def test_no_set_is_fitted_to_what_an_analyser_measured_unless_it_is_named(aurora):
    fitted(aurora, "pit 1")
    switch_on(aurora, "analyser_drifted")
    measured(aurora, POORER)
    swept(aurora)
    with aurora.acting():
        assays = grades.fit_set(name="May", settings=SETTINGS, asked={}, batch_ids=None)
        batch = SampleBatch.objects.get(is_telemetry=True)
        named = grades.fit_set(name="May", settings=SETTINGS, asked={}, batch_ids=[batch.pk])
    assert batch.pk not in assays.batch_ids and named.batch_ids == [batch.pk]
    listed = aurora.client().get("/api/v1/grade-samples").json()["results"]
    assert [row["is_telemetry"] for row in listed] == [True, False]


def test_analyser_that_stands_for_several_places_is_refused_in_words_until_it_is_called_like_one(aurora):
    fitted(aurora, "pit 1", "pit 2")
    switch_on(aurora, "analyser_drifted")
    measured(aurora, POORER)
    swept(aurora)
    (refused,) = made(aurora)
    assert refused.outcome == "refused" and "of these: pit 1, cut-off 55 %; pit" in refused.words
    known = {("aurora north", "pit 1", "55 %"), ("aurora north", "Pit 2", "55 %"), ("other", "pit 2", "55 %")}
    assert place_of(known, {"aurora north"}, {"p-7", "pit 2"}) == ("aurora north", "Pit 2", "55 %")
    with pytest.raises(Conflict, match="No set of grades has a mine"):
        place_of(known, {"south"}, {"pit 2"})


@pytest.mark.parametrize(
    ("tag", "unit", "said", "outcome"),
    [
        ("vibration", "mm/s", {}, []),
        ("ore_grade", "%", {"historical": True}, []),
        ("ore_grade", "mm", {}, [("analyser_drifted", "refused")]),
    ],
)
def test_what_is_no_grade_or_comes_late_is_held_against_nothing(aurora, tag, unit, said, outcome):
    fitted(aurora, "pit 1")
    switch_on(aurora, "analyser_drifted")
    measured(aurora, POORER, tag, unit, **said)
    swept(aurora)
    assert outcomes(aurora) == outcome
    with aurora.acting():
        assert not SampleBatch.objects.filter(is_telemetry=True).exists() and GradeSet.objects.count() == 1


def test_it_takes_the_right_to_manage_grades_and_ends_with_it(aurora):
    fitted(aurora, "pit 1")
    wish = {"reaction": "analyser_drifted", "is_on": True, "site": None}
    without = aurora.client(["manage", "post_tasks", "view_tasks", "view_alarms", "view_telemetry"])
    assert without.put("/api/v1/reaction-switches", wish).status_code == 403
    switch_on(aurora, "analyser_drifted")
    with aurora.acting():
        Membership.objects.filter(user=aurora.user).update(roles=["operator"])
    measured(aurora, POORER)
    assert swept(aurora) == 0
    with aurora.acting():
        assert Reaction.objects.get().outcome == "refused"
