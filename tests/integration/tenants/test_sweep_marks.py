"""Each sweep leaves the time at which it was last done, and one that nobody does any more is told to be late."""

from datetime import timedelta

import pytest
from django.test import Client

from edge_bridge.tasks import sweep_alarms
from tenants import sweeps
from tenants.context import as_platform
from tenants.models import SweepMark

HOUR = timedelta(hours=1)


def done_ago(name: str, age: timedelta) -> None:
    sweeps.note_sweep(name)
    with as_platform("tests", "another time") as platform:
        platform.leaves_trace = False
        mark = SweepMark.objects.get(pk=name)
        SweepMark.objects.filter(pk=name).update(done_at=mark.done_at - age)


def test_sweep_is_noted_when_it_was_done_to_its_end(monkeypatch):
    done_ago(sweep_alarms.name, HOUR)
    assert sweeps.ages(HOUR)[sweep_alarms.name] >= HOUR

    def fail(now):
        raise ValueError("of one organisation")

    with monkeypatch.context() as patched:
        patched.setattr("edge_bridge.alarms.sweeps.sweep_alarms", fail)
        with pytest.raises(ValueError, match="of one organisation"):
            sweep_alarms()
    assert sweeps.ages(HOUR)[sweep_alarms.name] >= HOUR
    sweep_alarms()
    assert sweeps.ages(HOUR)[sweep_alarms.name] < HOUR


def test_readiness_tells_the_ages_of_sweeps_and_names_those_that_are_late():
    done_ago("edge_bridge.sweep_alarms", HOUR)
    sweeps.note_sweep("edge_bridge.sweep_commands")
    answer = Client().get("/healthz/ready")
    told = answer.json()
    assert answer.status_code == 200 and told["status"] == "ok"
    assert told["sweeps"]["edge_bridge.sweep_alarms"] >= 3600
    assert "edge_bridge.sweep_alarms" in told["late"] and "edge_bridge.sweep_commands" not in told["late"]


def test_sweep_that_was_never_done_is_late_after_its_turns():
    never = dict.fromkeys(sweeps.ages(HOUR), timedelta(seconds=50))
    assert sweeps.late(never) == ["tenants.sweep_webhooks"]
    assert "edge_bridge.make_reading_partitions" in sweeps.late(dict.fromkeys(never, 4 * HOUR))
