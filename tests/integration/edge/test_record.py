"""What a batch does to the database, exactly once."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from edge_bridge import actions, queries
from edge_bridge.data import HoleInStream
from edge_bridge.models import Gap, Latest, Quarantine, Reading, Series, Watermark
from edge_bridge.protocol import Birth, Death, GapReason, Heartbeat, Lane, Quality, Tag
from edge_bridge.protocol import Gap as GapEntry
from edge_bridge.protocol import Reading as ReadingEntry
from tenants.actions import register_site
from tenants.data import Forbidden
from tests.integration.edge.scenes import gateway, raised, reading, set_aside, told


def stored(owner) -> list[float]:
    with owner.acting():
        return list(Reading.objects.own().order_by("measured_at").values_list("value", flat=True))


def test_batch_sent_again_after_a_lost_acknowledgement_changes_nothing(aurora):
    edge = gateway(aurora)
    readings = edge.batch(Lane.P2, *[reading(value, ago_s=10 - value) for value in range(5)])
    alarm = edge.batch(Lane.P0, raised())
    for batch in (readings, alarm, readings, alarm):  # the process was killed between commit and answer
        assert edge.record(batch).through == batch.entries[-1].seq
    assert stored(aurora) == [0, 1, 2, 3, 4]
    assert told(aurora) == [("alarm.raised", "UNACK")]
    with aurora.acting():
        assert Watermark.objects.get(lane="p2").stored == 5


def test_batch_that_overlaps_the_watermark_adds_only_what_is_new(aurora):
    edge = gateway(aurora)
    first = edge.batch(Lane.P2, reading(1, ago_s=3), reading(2, ago_s=2))
    edge.record(first)
    longer = edge.batch(Lane.P2, reading(3, ago_s=1))
    joined = type(longer)(longer.edge, longer.boot, longer.lane, longer.sent_at, first.entries + longer.entries)
    assert edge.record(joined).through == 3
    assert stored(aurora) == [1, 2, 3]


def test_hole_in_a_stream_is_refused_with_the_number_expected(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P2, reading())
    edge.next_seq[Lane.P2] = 5
    with pytest.raises(HoleInStream, match="2 comes next") as refused:
        edge.say(Lane.P2, reading())
    assert refused.value.expected_seq == 2
    assert len(stored(aurora)) == 1


def test_lanes_and_boot_epochs_are_streams_of_their_own(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P2, reading(ago_s=1))
    edge.say(Lane.P0, raised())
    edge.boot, edge.next_seq = uuid4(), dict.fromkeys(Lane, 1)
    assert edge.say(Lane.P2, reading()).through == 1
    with aurora.acting():
        assert Watermark.objects.filter(tenant=aurora.id).count() == 3


def test_gateway_goes_on_where_it_was_after_its_credential_changed(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P2, reading(1, ago_s=2))
    renewed = gateway(aurora)
    renewed.boot, renewed.next_seq = edge.boot, edge.next_seq
    assert renewed.say(Lane.P2, reading(2)).through == 2
    assert stored(aurora) == [1, 2]


def test_entry_without_a_place_is_set_aside_and_holds_up_nothing(aurora):
    edge = gateway(aurora, "north")
    mill = gateway(aurora, "north-mill")
    late = datetime.now(UTC) + timedelta(days=1, minutes=1)
    ack = edge.say(
        Lane.P2,
        reading(code="NOPE-1"),
        ReadingEntry("PUMP-07", "vibration", 2.0, Quality.GOOD, late),
        reading(3.0),
    )
    mill.say(Lane.P2, reading())
    edge.say(Lane.P0, raised(code="NOPE-2"), raised())
    assert ack.through == 3 and stored(aurora) == [3.0]
    reasons = " ".join(set_aside(aurora))
    for words in ("'NOPE-1'", "in the future", "another site", "'NOPE-2'"):
        assert words in reasons
    with aurora.acting():
        kept = Quarantine.objects.get(reason__contains="NOPE-1")
        assert kept.entry["equipment"] == "NOPE-1" and kept.seq == 1
        stream = Watermark.objects.get(lane="p2", device=edge.device)
        assert (stream.stored, stream.quarantined) == (1, 2)
    assert told(aurora) == [("alarm.raised", "UNACK")] * 2  # with the one that says what was set aside


def test_equipment_of_another_organisation_is_unknown(aurora, borealis):
    with borealis.acting():
        borealis.sites["yard"] = register_site(code="yard", name="Yard", kind="logistics_centre")
    edge = gateway(borealis, "yard")
    edge.say(Lane.P2, reading())
    edge.say(Lane.P0, raised())
    assert len(set_aside(borealis)) == 2 and all("no equipment" in reason for reason in set_aside(borealis))
    assert stored(aurora) == [] == told(aurora)


def test_latest_is_the_newest_by_time_of_measurement_not_of_arrival(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P2, reading(7, ago_s=1), reading(5, ago_s=30))
    edge.say(Lane.P2, reading(4, ago_s=60))
    with aurora.acting():
        assert Latest.objects.get(tenant=aurora.id).value == 7


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_newest_reading_with_a_time_that_has_not_come_gives_way_to_what_arrives_after_it(aurora, in_one_batch):
    edge, ahead, now_right = gateway(aurora), reading(9, ago_s=-3600), reading(7, ago_s=1)
    for said in [(ahead, now_right)] if in_one_batch else [(ahead,), (now_right,)]:
        edge.say(Lane.P2, *said)
    edge.say(Lane.P2, reading(5, ago_s=30))
    with aurora.acting():
        assert Latest.objects.get(tenant=aurora.id).value == 7
    assert sorted(stored(aurora)) == [5, 7, 9]


def test_newest_reading_of_a_clock_that_is_a_little_ahead_does_not_give_way_to_an_older_one(aurora):
    edge = gateway(aurora)
    for said in (reading(7, ago_s=-30), reading(5, ago_s=1)):
        edge.say(Lane.P2, said)
    with aurora.acting():
        assert Latest.objects.get(tenant=aurora.id).value == 7


def test_birth_names_units_also_of_series_that_a_reading_made_before(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P2, reading())
    tags = (Tag("PUMP-07", "vibration", "mm/s"), Tag("FAN-01", "speed", "{rev}/min"), Tag("NOPE", "x", "1"))
    edge.say(Lane.P1, Birth(datetime.now(UTC), tags))
    with aurora.acting():
        units = dict(Series.objects.own().values_list("tag", "unit"))
    assert units == {"vibration": "mm/s", "speed": "{rev}/min"}
    assert ["'NOPE'" in reason for reason in set_aside(aurora)] == [True]


def test_gaps_and_heartbeats_balance_with_what_is_stored(aurora):
    edge = gateway(aurora)
    now = datetime.now(UTC)
    edge.say(Lane.P2, reading(ago_s=9), reading(ago_s=8))
    edge.next_seq[Lane.P2] = 6  # the gap stands for 3 to 6
    edge.say(Lane.P2, GapEntry(3, GapReason.DEADBAND, 40, now, now), reading())
    edge.say(Lane.P1, Heartbeat(now, 43, 7))
    with aurora.acting():
        stream = Watermark.objects.get(lane="p1")
        assert Gap.objects.get().count == 40
        assert Watermark.objects.get(lane="p2").missing == 40
        assert queries.imbalance(stream) == 0
    edge.say(Lane.P1, Heartbeat(now, 45, 7), Death(now, "stopped"))
    with aurora.acting():
        stream = Watermark.objects.get(lane="p1")
        assert queries.imbalance(stream) == 2 and stream.died_at == now


def test_person_may_not_record_and_device_may_nothing_else(aurora):
    edge = gateway(aurora)
    with aurora.acting(), pytest.raises(Forbidden):
        actions.record(device=edge.device, batch=edge.batch(Lane.P2, reading()))
    assert not any(edge.actor.can(name) for name in ("view_alarms", "manage", "view_telemetry", "acknowledge_alarms"))
