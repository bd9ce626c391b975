"""Minutes and hours always say what the readings say, whatever comes late, twice or out of order."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_bridge import protocol
from edge_bridge.models import DirtyMinute, Rollup
from edge_bridge.protocol import Lane, Quality
from edge_bridge.readings.rolling import roll_up, sweep_rollups
from tests.integration.edge.scenes import Gateway, gateway, reading
from tests.together import at_once

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
READINGS = st.lists(
    st.tuples(
        st.integers(0, 7200 * 2).map(lambda half_s: half_s / 2 if half_s % 7 else half_s // 240 * 120.0),
        st.sampled_from([-1.5, 0.0, 2.0, 2.0, 7.25]),
        st.sampled_from([Quality.GOOD, Quality.GOOD, Quality.GOOD, Quality.UNCERTAIN, Quality.BAD]),
    ),
    min_size=1,
    max_size=12,
)


def figures(readings) -> tuple:
    """What a bucket of (seconds, value, quality) must say, worked out the plain way."""
    ordered = sorted((at, value) for at, value, quality in readings if quality is Quality.GOOD)
    good = [value for _, value in ordered]
    n_uncertain = sum(quality is Quality.UNCERTAIN for _, _, quality in readings)
    mean = pytest.approx(sum(good) / len(good)) if good else None
    return (
        *(len(good), n_uncertain, len(readings) - len(good) - n_uncertain),
        len({at for at, _, _ in readings}),
        sum(earlier == later for earlier, later in pairwise(good)),
        mean,
        *((min(good), max(good), good[0], good[-1]) if good else (None,) * 4),
    )


def expected(readings) -> dict[tuple[int, datetime], tuple]:
    buckets = defaultdict(list)
    for one in readings:
        for size_s in (60, 3600):
            buckets[size_s, HOUR + timedelta(seconds=one[0] // size_s * size_s)].append(one)
    return {key: figures(found) for key, found in buckets.items()}


def rolled(owner, tag: str) -> dict[tuple[int, datetime], tuple]:
    names = ("n_good", "n_uncertain", "n_bad", "n_times", "n_repeated", "value", "lowest", "highest", "first", "last")
    with owner.acting():
        rows = Rollup.objects.filter(series__tag=tag, tenant=owner.id)
        return {(row.size_s, row.begins_at): tuple(getattr(row, name) for name in names) for row in rows}


def swept(owner, after_s: float = 60.0) -> int:
    with owner.acting():
        return roll_up(owner.id, datetime.now(UTC) + timedelta(seconds=after_s))


def batch_of(edge: Gateway, tag: str, readings):
    said = [protocol.Reading("PUMP-07", tag, v, quality, HOUR + timedelta(seconds=at)) for at, v, quality in readings]
    return edge.batch(Lane.P2, *said)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=st.lists(st.tuples(READINGS, st.booleans(), st.booleans()), min_size=1, max_size=4))
def test_rollups_equal_the_readings_after_late_repeated_and_disordered_batches(aurora, batches):
    edge, tag, sent = gateway(aurora), uuid4().hex, []
    for readings, is_repeated, is_swept in batches:
        batch = batch_of(edge, tag, readings)
        sent += readings
        for _ in range(1 + is_repeated):
            edge.record(batch)
        if is_swept:
            swept(aurora)
    swept(aurora)
    assert rolled(aurora, tag) == expected(sent)
    with aurora.acting():
        assert not DirtyMinute.objects.filter(tenant=aurora.id).exists()


def test_two_sweeps_beside_a_gateway_that_goes_on_sending_lose_nothing(aurora):
    edge, tag = gateway(aurora), uuid4().hex
    parts = [[(float(10 * k + n), float(n), Quality.GOOD) for n in range(10)] for k in range(15)]
    batches = [batch_of(edge, tag, part) for part in parts]

    def send() -> None:
        for batch in batches:
            edge.record(batch)

    def sweep() -> None:
        for _ in range(15):
            sweep_rollups(datetime.now(UTC))

    at_once(send, sweep, sweep)
    sweep_rollups(datetime.now(UTC))
    assert rolled(aurora, tag) == expected([one for part in parts for one in part])


def test_sweep_takes_one_organisation_at_a_time_and_leaves_the_rest_for_later(aurora):
    edge, tag = gateway(aurora), uuid4().hex
    edge.record(batch_of(edge, tag, [(0.0, 1.0, Quality.GOOD)]))
    with ThreadPoolExecutor(1) as pool, aurora.acting():
        assert roll_up(aurora.id, datetime.now(UTC)) == 1

        def other() -> int:
            n = swept(aurora)
            connections.close_all()
            return n

        assert pool.submit(other).result() == 0
    assert len(rolled(aurora, tag)) == 2


def test_minute_is_summed_up_once_it_is_over_and_late_if_anything_in_it_came_long_after(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P2, reading(tag="new"))
    edge.record(batch_of(edge, "old", [(0.0, 1.0, Quality.GOOD), (60.0, 2.0, Quality.GOOD)]))
    assert swept(aurora, after_s=0.0) == 2 and rolled(aurora, "new") == {}
    assert swept(aurora) == 1
    with aurora.acting():
        rows = Rollup.objects.filter(tenant=aurora.id).select_related("series").order_by("series__tag", "size_s")
        told = [(row.series.tag, row.size_s, row.n_minutes, row.n_late) for row in rows]
    assert told == [("new", 60, 1, 0), ("new", 3600, 1, 0), *[("old", 60, 1, 1)] * 2, ("old", 3600, 2, 2)]


def test_values_as_large_as_numbers_can_be_are_summed_up_all_the_same(aurora):
    edge, tag = gateway(aurora), uuid4().hex
    edge.record(batch_of(edge, tag, [(float(n), 1.7e308, Quality.GOOD) for n in range(3)]))
    swept(aurora)
    assert [found[5] for found in rolled(aurora, tag).values()] == [pytest.approx(1.7e308)] * 2


@pytest.mark.parametrize("tiny", [5e-324, 2.3e-308, 1e-300, 2.0**-960])
def test_values_as_small_as_numbers_can_be_hold_up_no_others(aurora, tiny):
    edge, tag = gateway(aurora), uuid4().hex
    values = [tiny, -tiny, tiny, 3.0]
    edge.record(batch_of(edge, tag, [(float(n), value, Quality.GOOD) for n, value in enumerate(values)]))
    edge.record(batch_of(edge, "alone", [(0.0, tiny, Quality.GOOD)]))
    assert swept(aurora) == 2
    assert [found[5] for found in rolled(aurora, tag).values()] == [0.75] * 2
    assert [found[5] for found in rolled(aurora, "alone").values()] == [pytest.approx(0, abs=1e-280)] * 2
