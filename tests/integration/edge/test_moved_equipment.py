"""A machine that moves: each site keeps what was measured and raised there, and whoever was given one sees no other."""

from datetime import timedelta
from itertools import chain

import pytest

from edge_bridge.models import Alarm, Quarantine, Series
from edge_bridge.protocol import Lane
from edge_bridge.queries import alarms_where
from tenants.actions import register_site
from tenants.resources import relocations
from tests.integration.edge.scenes import cleared, gateway, raised, reading
from tests.integration.tenants.test_grants import opened_to

PUMP = {"code": "PUMP-07"}


@pytest.fixture
def moved(aurora, borealis, delta):
    """The gateways of North, which Borealis may see, and of South, which Delta may; the pump went from there to here.

    Before that it gave one reading and raised one alarm at North.
    """
    with aurora.acting():
        aurora.sites["south"] = register_site(code="south", name="South", kind="mine")
    opened_to(borealis, aurora, permissions=("view_alarms", "view_telemetry"))
    opened_to(delta, aurora, permissions=("view_alarms", "view_telemetry"), site="south")
    north, south = gateway(aurora), gateway(aurora, "south")
    north.say(Lane.P0, raised(**PUMP))
    north.say(Lane.P2, reading(1.0))
    with aurora.acting():
        relocations.move_equipment(equipment=aurora.equipment["PUMP-07"], to_site=aurora.sites["south"])
    return north, south


def values(organisation):
    with organisation.acting():
        rows = Series.objects.order_by("pk").prefetch_related("readings")
        return [[reading.value for reading in row.readings.all()] for row in rows]


def states(organisation):
    with organisation.acting():
        return [(alarm.site.code, alarm.state) for alarm in Alarm.objects.select_related("site").order_by("pk")]


def test_partner_of_either_site_sees_what_was_measured_there_and_nothing_of_the_other(aurora, borealis, delta, moved):
    _, south = moved
    south.say(Lane.P2, reading(2.0))
    south.say(Lane.P0, raised(**PUMP))
    assert values(aurora) == [[1.0], [2.0]]
    assert values(borealis) == [[1.0]] and values(delta) == [[2.0]]
    assert states(aurora) == [("north", "UNACK"), ("south", "UNACK")]
    with delta.acting():
        assert [row.site.code for row in alarms_where(shared=True)] == ["south"]
    with borealis.acting():
        assert not alarms_where(shared=True)  # alarms are listed with their machine, which is out of sight
        assert {alarm.site_id for alarm in Alarm.objects.all()} == {aurora.sites["north"].pk}


def test_alarm_that_stood_at_the_old_site_is_cleared_there_and_not_at_the_new_one(aurora, moved):
    north, south = moved
    south.say(Lane.P0, raised(**PUMP))
    north.say(Lane.P0, cleared(**PUMP))
    assert states(aurora) == [("north", "RTNUN"), ("south", "UNACK")]
    south.say(Lane.P0, cleared(**PUMP))
    assert states(aurora) == [("north", "RTNUN"), ("south", "RTNUN")]


def test_what_comes_late_from_before_the_move_is_kept_and_what_comes_from_after_it_is_set_aside(aurora, moved):
    north, _ = moved
    north.say(Lane.P2, reading(1.5, ago_s=60), reading(9.0))
    north.say(Lane.P0, raised(alarm_type="late", occurred_at=reading(ago_s=60).measured_at, **PUMP))
    north.say(Lane.P0, raised(alarm_type="wrong", occurred_at=reading().measured_at + timedelta(seconds=1), **PUMP))
    assert sorted(chain(*values(aurora))) == [1.0, 1.5]
    with aurora.acting():
        assert {row.alarm_type for row in Alarm.objects.all()} == {"ch4.hi", "late", "alarms_set_aside"}
        reasons = sorted(row.reason for row in Quarantine.objects.all())
    assert reasons == [
        "Equipment 'PUMP-07' had been moved to another site by then.",
        "Equipment 'PUMP-07' is at another site than this gateway.",
    ]


def test_machine_that_comes_back_goes_on_in_its_old_series(aurora, moved):
    north, south = moved
    south.say(Lane.P2, reading(2.0))
    with aurora.acting():
        relocations.move_equipment(equipment=aurora.equipment["PUMP-07"], to_site=aurora.sites["north"])
    north.say(Lane.P2, reading(3.0))
    assert values(aurora) == [[1.0, 3.0], [2.0]]
