"""What a gateway sent and what became of it, by the hour: the sums are those of its streams, and nobody else's."""

from datetime import UTC, datetime, timedelta

import pytest

from edge_bridge.counts import counting
from edge_bridge.counts.queries import gateways_seen
from edge_bridge.models import Device, StreamHour, Watermark
from edge_bridge.protocol import Batch, Entry, Gap, GapReason, Heartbeat, Lane, RulesInUse
from tests.integration.edge.scenes import Gateway, gateway, opened, raised, reading
from tests.personas import Organisation


def gap(seq: int, reason: GapReason, count: int) -> Gap:
    at = datetime.now(UTC)
    return Gap(seq, reason, count, at, at)


def beat(produced: int, through: int) -> Heartbeat:
    return Heartbeat(datetime.now(UTC), produced, through)


def busy(owner: Organisation) -> Gateway:
    """Nine readings: two stored, one without a place, two filtered, one thinned, two refused, one lost."""
    edge = gateway(owner)
    edge.say(Lane.P2, reading(ago_s=2), reading(ago_s=1), reading(code="NOBODY"))
    edge.say(Lane.P2, gap(4, GapReason.DEADBAND, 1), gap(5, GapReason.SWINGING_DOOR, 1), gap(6, GapReason.THINNED, 1))
    edge.say(Lane.P2, gap(7, GapReason.QUARANTINED, 2), gap(8, GapReason.LOST, 1))
    edge.say(Lane.P1, beat(4, 3), beat(9, 8))
    edge.say(Lane.P0, raised())
    return edge


def balance(owner: Organisation, device: Device, **span: object) -> list[dict]:
    answer = owner.client().get(f"/api/v1/devices/{device.pk}/balance", span)
    assert answer.status_code == 200, answer.content
    return answer.json()["hours"]


def summed(hours: list[dict], lane: str) -> dict[str, int]:
    """The test may run over the end of an hour."""
    return {name: sum(hour[name] for hour in hours if hour["lane"] == lane) for name in counting.COUNTED}


def test_balance_tells_what_became_of_each_number_and_reading(aurora):
    edge = busy(aurora)
    hours = balance(aurora, edge.device)
    became = {"stored": 2, "quarantined": 1, "filtered": 2, "thinned": 1, "refused": 2, "lost": 1}
    assert summed(hours, "p2") == {"sent": 8, **became, "produced": 0}
    assert sum(became.values()) == summed(hours, "p1")["produced"] == 9
    assert summed(hours, "p0")["stored"] == 1
    assert [hour["off_by"] for hour in hours if hour["lane"] == "p1"][-1] == 0
    with aurora.acting():
        for stream in Watermark.objects.all():
            told = summed(hours, stream.lane)
            missing = told["filtered"] + told["thinned"] + told["refused"] + told["lost"]
            assert (told["stored"], told["quarantined"], missing) == (stream.stored, stream.quarantined, stream.missing)
            assert told["sent"] == stream.through


def test_what_is_sent_again_is_counted_once(aurora):
    edge = gateway(aurora)
    batch = edge.batch(Lane.P2, reading(ago_s=1), reading())
    edge.record(batch)
    edge.record(batch)
    assert summed(balance(aurora, edge.device), "p2")["sent"] == 2


def test_hour_that_does_not_balance_says_by_how_many(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P2, reading())
    edge.say(Lane.P1, beat(4, 1))
    (hour,) = [hour for hour in balance(aurora, edge.device) if hour["lane"] == "p1"]
    assert hour["off_by"] == 3
    edge.say(Lane.P1, beat(9, 5))
    (hour,) = [hour for hour in balance(aurora, edge.device) if hour["lane"] == "p1"][-1:]
    assert hour["off_by"] == 3, "until lane p2 has come so far, the last that is known holds"


def test_table_has_a_line_for_each_hour_and_lane(aurora):
    edge = busy(aurora)
    answer = aurora.client().get(f"/api/v1/devices/{edge.device.pk}/balance.csv")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("begins_at,lane,sent,stored") and len(lines) >= 4


def test_hours_outside_of_the_span_are_left_out_and_too_long_a_span_is_refused(aurora):
    edge, now = busy(aurora), datetime.now(UTC)
    assert balance(aurora, edge.device, since=now - timedelta(days=3), until=now - timedelta(days=2)) == []
    path = f"/api/v1/devices/{edge.device.pk}/balance"
    for days in (32, -1):
        refused = aurora.client().get(path, {"since": now - timedelta(days=days), "until": now})
        assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"] == "/since"


def test_balance_is_for_the_owner_alone(aurora, borealis, cassia):
    edge = busy(aurora)
    opened(aurora, borealis, "view_alarms", "view_telemetry")
    for other in (borealis, cassia):
        for name in ("balance", "balance.csv"):
            assert other.client().get(f"/api/v1/devices/{edge.device.pk}/{name}").status_code == 404
        with other.acting():
            assert not StreamHour.objects.exists()


def test_hours_are_kept_for_three_months(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P2, reading())
    with aurora.acting():
        (row,) = StreamHour.objects.all()
        stream = Watermark.objects.get()
        for days in (91, 93):
            row.pk, row.begins_at = None, row.begins_at - timedelta(days=days if days == 91 else 2)
            StreamHour(tenant=aurora.tenant, watermark=stream, begins_at=row.begins_at, sent=1).save()
        assert StreamHour.objects.count() == 3
        counting.count(stream, datetime.now(UTC) + timedelta(hours=1), sent=1)
        assert StreamHour.objects.count() == 3, "the oldest made room"


def test_gateway_is_seen_with_its_clock_its_backlog_and_its_rules(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P2, reading())
    late = Batch("north-gateway", edge.boot, Lane.P1, datetime.now(UTC) - timedelta(hours=1), (Entry(1, beat(7, 7)),))
    edge.record(late)
    edge.next_seq[Lane.P1] = 2
    with aurora.acting():
        (seen,) = gateways_seen([edge.device])
        assert seen.session is not None and seen.session.ahead_s == pytest.approx(-3600, abs=30)
        assert (seen.waiting, seen.off_by, seen.rules) == (6, None, [])
        silent = gateways_seen(Device.objects.exclude(pk=edge.device.pk))
        assert silent == []
    edge.say(Lane.P1, RulesInUse(datetime.now(UTC), "", "0" * 32, "they are too many"))
    with aurora.acting():
        (seen,) = gateways_seen([edge.device])
        assert [rules.detail for rules in seen.rules] == ["they are too many"]
