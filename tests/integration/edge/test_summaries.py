"""Figures over readings: the same for owner and partner, or under a floor over enough of them to hide each one."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_bridge import summaries
from edge_bridge.models import Series
from edge_bridge.summaries import SIZES_S, Summary
from tests.integration.tenants.read_scenes import reads_of, share

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def measured(owner, *minutes: float, value: float = 10.0):
    """A series with a reading at each of these minutes of DAY, each a little higher than the one before."""
    pump = owner.equipment["PUMP-07"]
    with owner.acting():
        series = Series.objects.create(tenant_id=owner.id, site_id=pump.site_id, equipment=pump, tag=uuid4().hex)
        fill(series, minutes, value)
        return series


def fill(series, minutes, value: float = 10.0) -> None:
    rows = [(series.tenant_id, series.pk, DAY + timedelta(minutes=at), value + n, 0) for n, at in enumerate(minutes)]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO edge_bridge_reading (tenant_id, series_id, measured_at, value, quality)"
            " VALUES (%s, %s, %s, %s, %s)",
            rows,
        )


def asked(client, series, **more):
    given = {"since": DAY.isoformat(), "until": (DAY + timedelta(hours=3)).isoformat(), "bucket_s": 3600, **more}
    return client.get(f"/api/v1/series/{series.pk}/summary", given)


def test_owner_and_plain_partner_get_the_same_figures_and_the_outsider_none(aurora, borealis, cassia):
    series = measured(aurora, 1, 2, 3, 61)
    share(aurora, borealis, "view_telemetry", equipment="PUMP-07")
    own = asked(aurora.client(), series).json()
    assert [(b["count"], b["mean"], b["min"], b["max"]) for b in own["buckets"]] == [(3, 11, 10, 12), (1, 13, 13, 13)]
    assert own["buckets"][0]["begins_at"] == "2026-03-01T00:00:00Z" and own["floor_n"] == 0
    assert asked(borealis.client(), series).json() == own
    assert asked(cassia.client(), series).status_code == 404
    assert [(r.kind, r.n_rows) for r in reads_of(aurora) if r.kind == "summary"] == [("summary", 2)]


@pytest.mark.parametrize("value", [1.7e308, -1.7e308, 5e-324])
def test_figures_of_the_largest_and_smallest_numbers_are_told(aurora, value):
    series = measured(aurora)
    with aurora.acting():
        for minute in (1, 1, 2, 61):
            fill(series, [minute], value)
    for bucket_s in (60, 3600, 86400):
        until = DAY + timedelta(seconds=max(7200, bucket_s))
        got = asked(aurora.client(), series, bucket_s=bucket_s, until=until.isoformat())
        assert got.status_code == 200, got.content
        assert sum(bucket["count"] for bucket in got.json()["buckets"]) == 4
        for bucket in got.json()["buckets"]:
            assert (bucket["min"], bucket["max"]) == (value, value)
            assert bucket["mean"] == pytest.approx(value, rel=1e-9, abs=1e-280)


def test_under_a_floor_small_buckets_are_said_to_be_held_back_and_single_readings_stay_unseen(aurora, borealis):
    series = measured(aurora, *range(5), 61, 62)
    share(aurora, borealis, "view_telemetry", floor_n=5)
    partner = borealis.client()
    got = asked(partner, series).json()
    assert got["floor_n"] == 5
    told = {"begins_at": "2026-03-01T00:00:00Z", "count": 5, "mean": 12.0, "min": None, "max": None}
    held = {"begins_at": "2026-03-01T01:00:00Z", "count": None, "mean": None, "min": None, "max": None}
    assert got["buckets"] == [told, held]
    span = {"from": DAY.isoformat(), "to": (DAY + timedelta(hours=3)).isoformat()}
    assert partner.get(f"/api/v1/series/{series.pk}/readings", span).json()["readings"] == []
    records = [(r.kind, r.n_rows, r.permission) for r in reads_of(aurora) if r.kind == "summary"]
    assert records == [("summary", 2, "view_telemetry")]


def test_bucket_whose_smaller_ones_would_give_a_single_reading_away_is_held_back(aurora, borealis):
    """Five readings in the first minute and one in the fourth: the five minutes less the first would be that one."""
    series = measured(aurora, 0, 0.1, 0.2, 0.3, 0.4, 4)
    share(aurora, borealis, "view_telemetry", floor_n=5)
    partner, counts = borealis.client(), {}
    for size in SIZES_S:
        counts[size] = [bucket["count"] for bucket in asked(partner, series, bucket_s=size).json()["buckets"]]
    assert counts == {60: [5, None], 300: [None], 900: [None], 3600: [None], 86400: []}


def test_bucket_that_is_not_over_and_one_within_the_delay_are_not_told(aurora, borealis):
    series = measured(aurora)
    now = datetime.now(UTC)
    with aurora.acting():
        fill(series, [(now - DAY).total_seconds() / 60] * 5 + [(now - DAY).total_seconds() / 60 - 121] * 5)
    share(aurora, borealis, "view_telemetry", floor_n=5, delay_s=3600)
    span = {"since": (now - timedelta(hours=4)).isoformat(), "until": (now + timedelta(hours=2)).isoformat()}
    assert [b["count"] for b in asked(borealis.client(), series, **span).json()["buckets"]] == [5]
    assert [b["count"] for b in asked(aurora.client(), series, **span).json()["buckets"]] == [5, 5]


def test_hidden_values_leave_the_counts(aurora, borealis):
    series = measured(aurora, 1, 2)
    share(aurora, borealis, "view_telemetry", field_mask=["value"])
    bucket = asked(borealis.client(), series).json()["buckets"][0]
    assert (bucket["count"], bucket["mean"], bucket["min"], bucket["max"]) == (2, None, None, None)


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"bucket_s": 61}, "/bucket_s"),
        ({"until": "2025-01-01T00:00:00Z"}, "/since"),
        ({"bucket_s": 60, "until": "2026-03-02T00:00:00Z"}, "/since"),
        ({"since": "1 March"}, "/since"),
    ],
)
def test_span_that_can_not_be_answered_is_refused_in_words(aurora, more, pointer):
    answer = asked(aurora.client(), measured(aurora, 1), **more)
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == pointer


def test_only_whole_buckets_are_told(aurora):
    series = measured(aurora, 1, 61, 121)
    since, until = (DAY + timedelta(minutes=m) for m in (30, 150))
    got = asked(aurora.client(), series, since=since.isoformat(), until=until.isoformat()).json()
    assert [b["begins_at"] for b in got["buckets"]] == ["2026-03-01T01:00:00Z"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.integers(0, 120), max_size=60), floor=st.integers(2, 6))
def test_nothing_that_follows_from_all_told_buckets_covers_fewer_readings_than_the_floor(aurora, minutes, floor):
    """The told buckets nest, so what can be worked out are unions of remainders: none holds 1 to floor - 1 readings."""
    series = measured(aurora, *minutes)
    with aurora.acting():
        told = [
            (bucket.begins_at, size, bucket.count)
            for size in SIZES_S
            for bucket in summaries._summed(series, Summary(DAY, DAY + timedelta(days=1), size, floor))
            if bucket.count is not None
        ]
    for begins_at, size, count in told:
        inside = [t for t in told if t[1] < size and begins_at <= t[0] < begins_at + timedelta(seconds=size)]
        largest = [t for t in inside if not any(_holds(other, t) for other in inside)]
        remainder = count - sum(t[2] for t in largest)
        assert remainder == 0 or remainder >= floor


def _holds(outer, inner) -> bool:
    return outer[1] > inner[1] and outer[0] <= inner[0] < outer[0] + timedelta(seconds=outer[1])
