"""The oracle of many terminals itself: what it would not let pass."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.districts import Districts, Foreseen
from tests.faults.mine import Event, disagreement

BEGAN = datetime(2026, 3, 1, 6, tzinfo=UTC)
FORESEEN = [
    Foreseen(("GAS-1", "methane.hi", event), timedelta(seconds=at_s), timedelta(seconds=at_s))
    for at_s, event in ((1, "raised"), (2, "cleared"), (5, "raised"))
] + [Foreseen(("VIB-1", "terminal_silent", "raised"), timedelta(seconds=3), timedelta(seconds=8), True)]


def said(*moments_s: float, silent_s: float = 6.0) -> list[Event]:
    events = zip(moments_s, ("raised", "cleared", "raised", "raised"), strict=False)
    told = [("GAS-1", "methane.hi", event, (BEGAN + timedelta(seconds=at_s)).isoformat()) for at_s, event in events]
    return [*told, ("VIB-1", "terminal_silent", "raised", (BEGAN + timedelta(seconds=silent_s)).isoformat())]


def test_what_is_foreseen_agrees_whenever_the_run_began():
    assert disagreement(said(1, 2, 5), FORESEEN) == []
    assert disagreement(said(101, 102, 105, silent_s=106), FORESEEN) == []
    assert disagreement(said(1, 2, 5, silent_s=2.7), FORESEEN) == [], "a little early by the gateway's clock"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (said(1, 2), "'raised'): +1 missing"),
        (said(1, 2, 5, 5), "'raised'): -1 missing"),
        (said(1, 2, 5.1), "at 0:00:05.1"),
        (said(1, 2, 5, silent_s=2), "foreseen 0:00:03 to 0:00:08"),
        (said(1, 2, 5, silent_s=60), "foreseen 0:00:03 to 0:00:08"),
        ([*said(1, 2, 5), ("GAS-2", "methane.hi", "raised", BEGAN.isoformat())], "GAS-2"),
    ],
)
def test_alarm_that_is_missing_doubled_foreign_or_at_another_moment_is_named(told, words):
    assert words in " ".join(disagreement(told, FORESEEN))


def test_districts_have_every_labelled_fault_and_conceal_one_danger(tmp_path):
    districts = Districts(tmp_path, count=2, speed=15.0, patience_s=5.0)
    districts.write()
    rows = districts.truth()
    labels = {row["label"] for row in rows if row["what"] == "fault"}
    causes = {cause for row in rows if row["what"] == "alarm" for cause in row["causes"]}
    assert len(labels) == 26 and labels - causes == {"clock an hour late 1", "clock an hour late 2"}
    foreseen = districts.foreseen(rows)
    assert {event.name[0] for event in foreseen if event.latest < timedelta(0)} == {"GAS-1B", "GAS-2B"}  # by that clock
    hidden = {row["equipment"] for row in rows if row.get("origin") == "hidden"}
    assert hidden == {"GAS-1B", "GAS-2B"}
    assert {event.name[0] for event in foreseen} <= {*districts.equipment(1), *districts.equipment(2)}


def test_undisturbed_districts_are_also_judged_by_the_gateways_clock(tmp_path):
    districts = Districts(tmp_path, count=1, speed=15.0, patience_s=5.0, is_undisturbed=True)
    districts.write()
    raised = [event.name[1] for event in districts.foreseen(districts.truth()) if event.is_by_gateway]
    assert {"methane.vote", "methane.fusion", "methane.twin", "vibration.silent"} <= set(raised)
