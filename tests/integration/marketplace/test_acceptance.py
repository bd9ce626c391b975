"""Evidence of stored readings: the same for both parties, and never a reading itself."""

from datetime import timedelta
from uuid import uuid4

import pytest

from edge_bridge import protocol
from edge_bridge.protocol import Lane, Quality, Tag
from marketplace.acceptance_queries import evidence_for
from marketplace.models import ServiceTask
from tenants.api import enter
from tenants.data import Invalid
from tests.integration.edge.scenes import gateway
from tests.integration.edge.test_trends import HOUR, sent
from tests.integration.marketplace.scenes import published, terms

RULE = {"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 1}
UNTIL = HOUR + timedelta(hours=1)


def task_with(owner, rule):
    task = published(owner)
    task.acceptance = rule  # as its terms would have it; the row stays as published
    return task


def evidence(party, task):
    with party.acting():
        return evidence_for(task, UNTIL)


def test_task_without_a_rule_has_no_evidence(aurora):
    assert evidence(aurora, published(aurora)) is None


def test_vibration_back_in_band_passes_and_both_parties_get_the_same_figures(aurora, borealis):
    series = sent(aurora, [2.0] * 359 + [4.4], tag="vibration", unit="mm/s")
    task = task_with(aurora, RULE)
    found = evidence(borealis, task)
    assert found == evidence(aurora, task)
    assert (found["passed"], found["coverage_frac"], found["worst"]) == (True, "1.0000", "4.4")
    assert found["words"] == "vibration below 4.5 mm/s for 1 h" and found["series"] == str(series.pk)
    with borealis.acting():
        enter(kind="evidence.taken", subject=task.pk, payload=found, with_tenants={aurora.id})


def test_one_reading_beyond_the_limit_fails_it(aurora):
    sent(aurora, [2.0] * 200 + [7.5] + [2.0] * 159, tag="vibration", unit="mm/s")
    found = evidence(aurora, task_with(aurora, RULE))
    assert (found["passed"], found["worst"]) == (False, "7.5")


def test_silence_and_bad_readings_are_not_covered(aurora):
    edge = gateway(aurora)
    sent(aurora, [2.0] * 180, tag="vibration", unit="mm/s", edge=edge)
    sent(aurora, [None] * 180 + [9.0] * 180, tag="vibration", unit="mm/s", quality=Quality.BAD, edge=edge)
    found = evidence(aurora, task_with(aurora, RULE))
    assert (found["passed"], found["share_frac"], found["worst"]) == (False, "1.0000", "2")
    assert 0.49 < float(found["coverage_frac"]) < 0.51


@pytest.mark.parametrize("rule", [RULE | {"tag": "flow"}, RULE | {"equipment": "FAN-01"}])
def test_tag_that_does_not_exist_is_no_pass(aurora, rule):
    sent(aurora, [2.0] * 360, tag="vibration", unit="mm/s")
    machine = rule.get("equipment") and {"equipment": str(aurora.equipment["FAN-01"].pk)}
    found = evidence(aurora, task_with(aurora, rule | (machine or {})))
    assert (found["passed"], found["coverage_frac"], found["series"]) == (False, "0.0000", None)


def test_long_time_is_told_by_minutes_and_what_came_since_by_readings(aurora, monkeypatch):
    monkeypatch.setattr("edge_bridge.readings.trends.MOST_ROWS", 100)
    edge = gateway(aurora)
    sent(aurora, [2.0] * 330, tag="vibration", unit="mm/s", edge=edge)
    late = [
        protocol.Reading("PUMP-07", "vibration", value, Quality.GOOD, HOUR + timedelta(seconds=3300 + 10 * n))
        for n, value in enumerate([2.0] * 29 + [6.0])
    ]
    edge.say(Lane.P1, protocol.Birth(HOUR, (Tag("PUMP-07", "vibration", "mm/s"),)))
    edge.say(Lane.P2, *late)
    found = evidence(aurora, task_with(aurora, RULE))
    assert (found["passed"], found["coverage_frac"], found["worst"]) == (False, "1.0000", "6")


def test_rule_of_another_machine_of_the_owner_counts_but_never_one_of_a_stranger(aurora, borealis, cassia):
    sent(aurora, [2.0] * 360, tag="vibration", unit="mm/s")
    machine = str(aurora.equipment["PUMP-07"].pk)
    task = task_with(aurora, RULE | {"equipment": machine})
    assert evidence(borealis, task)["passed"]
    with cassia.acting():
        foreign = ServiceTask(tenant_id=cassia.id, equipment_id=None, acceptance=RULE | {"equipment": machine})
        found = evidence_for(foreign, UNTIL)
    assert (found["passed"], found["series"]) == (False, None)


@pytest.mark.parametrize(("rule", "field"), [({"tag": "vibraton"}, "tag"), ({"equipment": str(uuid4())}, "equipment")])
def test_rule_that_can_never_be_kept_is_not_published(aurora, rule, field):
    sent(aurora, [2.0] * 3, tag="vibration", unit="mm/s")
    with pytest.raises(Invalid) as refused:
        published(aurora, terms=terms(acceptance=RULE | rule), equipment_id=aurora.equipment["PUMP-07"].pk)
    assert [error.pointer for error in refused.value.errors] == [f"/acceptance/{field}"]


def test_rule_of_a_task_about_a_site_names_its_machine(aurora):
    with pytest.raises(Invalid, match="never be kept"):
        published(aurora, terms=terms(acceptance=RULE), site_id=aurora.sites["north"].pk)
    pump = str(aurora.equipment["PUMP-07"].pk)
    rule = RULE | {"equipment": pump}
    assert published(aurora, terms=terms(acceptance=rule), site_id=aurora.sites["north"].pk).state == "open"
