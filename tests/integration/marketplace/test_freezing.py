"""What a machine measured, frozen with a task that no alarm speaks of: shown to bidders instead of anything live."""

import pytest

from marketplace import actions
from marketplace.actions import post_task
from tenants.data import Invalid
from tests.integration.edge.test_trends import HOUR, sent
from tests.integration.marketplace.scenes import alarm_of, terms

TASKS = "/api/v1/service-tasks"


def posted(owner, freeze_h=6, **place):
    place = place or {"equipment_id": owner.equipment["PUMP-07"].pk}
    with owner.acting():
        return post_task(terms=terms(), freeze_h=freeze_h, **place)


def test_bidders_see_what_the_machine_measured_until_then_and_nothing_live(aurora, borealis):
    wave = [2.0 + (n % 7) / 10 for n in range(1_000)]
    series = sent(aurora, wave, tag="vibration", unit="mm/s")
    task = posted(aurora)
    with aurora.acting():
        actions.publish_task(task=task)
    firm = borealis.client()
    frozen = firm.get(f"{TASKS}/{task.pk}").json()["evidence"]
    assert (frozen["hours"], frozen["equipment"]["code"], frozen["series"][0]["unit"]) == (6, "PUMP-07", "mm/s")
    values = [value for _, _, value, _ in frozen["readings"]]
    assert 100 < len(values) <= 200 and (min(values), max(values)) == (2.0, 2.6), "thinned, with its extremes"
    times = [at for _, at, _, _ in frozen["readings"]]
    assert times == sorted(times) and times[0] == HOUR.isoformat()
    assert firm.get(f"/api/v1/series/{series.pk}/trend").status_code in (403, 404)


def test_nothing_is_frozen_unless_it_is_asked_for(aurora):
    sent(aurora, [2.0], tag="vibration", unit="mm/s")
    assert posted(aurora, freeze_h=0).snapshot["evidence"] is None


def test_hours_are_bounded_and_need_a_machine_without_an_alarm(aurora):
    pump, alarm = aurora.equipment["PUMP-07"].pk, alarm_of(aurora)
    for hours, place, words in (
        (73, {"equipment_id": pump}, "give 0 to 72 hours"),
        (-1, {"equipment_id": pump}, "give 0 to 72 hours"),
        (6, {"site_id": aurora.sites["north"].pk}, "name the machine"),
        (6, {"alarm_id": alarm.pk}, "the alarm brings its readings along"),
    ):
        with pytest.raises(Invalid) as refused:
            posted(aurora, hours, **place)
        assert [(error.pointer, words in error.message) for error in refused.value.errors] == [("/freeze_h", True)]
    body = {"title": "t", "category": "design", "equipment": str(pump), "freeze_h": 73}
    assert aurora.client().post(TASKS, body).json()["errors"][0]["pointer"] == "/freeze_h"


def test_who_may_not_see_readings_freezes_none(aurora):
    pump = str(aurora.equipment["PUMP-07"].pk)
    body = {"title": "t", "category": "design", "equipment": pump, "freeze_h": 1}
    assert aurora.client(["post_tasks", "view_tasks"]).post(TASKS, body).status_code == 403
    body["freeze_h"] = 0
    assert aurora.client(["post_tasks", "view_tasks"]).post(TASKS, body).status_code == 201
