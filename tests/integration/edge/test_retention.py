"""How long readings are kept: what is over goes, what is not stays, and what was removed is told."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from edge_bridge.models import Reading, ReadingRemoval, ReadingRetention, Rollup
from edge_bridge.protocol import Lane
from edge_bridge.readings import retention
from edge_bridge.readings.rolling import roll_up
from tenants.context import as_platform
from tenants.data import Invalid
from tenants.models import FeedEvent, LedgerEntry
from tests import personas
from tests.integration.edge.scenes import gateway, reading
from tests.integration.edge.test_guards import mandate
from tests.integration.tenants.read_scenes import share

PATH = "/api/v1/reading-retention"


def rolled(owner) -> int:
    with owner.acting():
        return roll_up(owner.id, in_days(0.1))


def stored(owner) -> tuple[int, int]:
    """Readings, and minutes and hours."""
    with owner.acting():
        return Reading.objects.filter(tenant=owner.id).count(), Rollup.objects.filter(tenant=owner.id).count()


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def test_readings_that_are_over_go_in_portions_that_are_told_once_and_their_figures_stay(aurora, monkeypatch):
    monkeypatch.setattr(retention, "BATCH_ROWS", 2)
    edge, now = gateway(aurora), reading(9.0)
    edge.say(Lane.P2, *[reading(float(n), ago_s=n) for n in range(5)], *[now] * 3, reading(tag="other"))
    rolled(aurora)
    n_rollups = stored(aurora)[1]
    assert retention.remove_over(aurora.id, in_days(50)) == 0
    assert retention.remove_over(aurora.id, in_days(92)) == 9
    assert retention.remove_over(aurora.id, in_days(92)) == 0
    assert stored(aurora) == (0, n_rollups)
    with aurora.acting():
        removal = ReadingRemoval.objects.get(tenant=aurora.id)
        event = FeedEvent.objects.get(kind="readings.removed")
    assert (removal.size_s, removal.n_removed) == (0, 9)
    assert event.body["n_removed"] == 9 and event.permission == "view_telemetry"


def test_what_was_not_yet_summed_up_stays_until_it_was(aurora):
    gateway(aurora).say(Lane.P2, reading())
    assert retention.remove_over(aurora.id, in_days(100)) == 0
    rolled(aurora)
    assert retention.remove_over(aurora.id, in_days(100)) == 1


def test_late_reading_does_not_spoil_the_figures_of_those_that_were_removed(aurora):
    edge, late = gateway(aurora), reading(5.0)
    edge.say(Lane.P2, *[late] * 3)
    rolled(aurora)
    retention.remove_over(aurora.id, in_days(100))
    edge.say(Lane.P2, late)
    rolled(aurora)
    with aurora.acting():
        assert {row.n_good for row in Rollup.objects.filter(tenant=aurora.id)} == {3}


def test_trend_of_what_was_removed_is_told_by_its_figures(aurora):
    gateway(aurora).say(Lane.P2, reading(5.0, ago_s=90))
    rolled(aurora)
    retention.remove_over(aurora.id, in_days(100))
    with aurora.acting():
        series = Rollup.objects.filter(tenant=aurora.id)[0].series_id
    got = aurora.client().get(f"/api/v1/series/{series}/trend").json()
    assert got["level"] == "minute" and [point["value"] for point in got["points"]] == [5.0]


def test_organisation_sets_its_own_days_and_others_keep_theirs(aurora, borealis):
    client = aurora.client()
    answer = client.put(PATH, {"raw_days": 2, "minute_days": 3, "hour_days": 5}, format="json")
    assert answer.status_code == 200 and answer.json()["kept"] == {"raw_days": 2, "minute_days": 3, "hour_days": 5}
    gateway(aurora).say(Lane.P2, reading())
    rolled(aurora)
    assert retention.remove_over(aurora.id, in_days(4.1)) == 2 and stored(aurora) == (0, 1)
    assert retention.remove_over(aurora.id, in_days(6.1)) == 1 and stored(aurora) == (0, 0)
    removed = client.get(PATH).json()["removals"]
    assert [each["size_s"] for each in removed] == [3600, 60, 0]
    assert borealis.client().get(PATH).json()["kept"]["raw_days"] == 90
    with aurora.acting():
        assert LedgerEntry.objects.filter(kind="readings.retention_set").exists()


def test_who_has_a_mandate_is_told_for_how_long_readings_are_kept_from_now_on(aurora, delta, borealis):
    mandate(aurora, delta, "view_telemetry")
    share(aurora, borealis, "view_telemetry")
    wish = {"raw_days": 1, "minute_days": 1, "hour_days": 3650}
    assert aurora.client().put(PATH, wish, format="json").status_code == 200
    for party, n in ((aurora, 1), (delta, 1), (borealis, 0)):
        with party.acting():
            told = FeedEvent.objects.filter(kind="readings.retention_set")
            assert [(event.body, event.permission) for event in told] == n * [(wish, "view_telemetry")]
            assert LedgerEntry.objects.filter(kind="readings.retention_set").count() == n


@pytest.mark.parametrize("days", [(0, 1, 1), (3, 2, 4), (1, 5, 4), (1, 1, 8000)])
def test_days_that_do_not_go_together_are_refused(aurora, days):
    said = dict(zip(("raw_days", "minute_days", "hour_days"), days, strict=True))
    assert aurora.client().put(PATH, said, format="json").status_code == 422
    with pytest.raises(Invalid), aurora.acting():
        retention.set_retention(**said)
    if days != (1, 1, 8000):
        with aurora.acting(), pytest.raises(IntegrityError), transaction.atomic():
            ReadingRetention.objects.create(tenant_id=aurora.id, **said)


def test_application_can_not_unsay_what_was_removed(aurora):
    gateway(aurora).say(Lane.P2, reading())
    rolled(aurora)
    retention.remove_over(aurora.id, in_days(100))
    with aurora.acting():
        assert ReadingRemoval.objects.all().delete()[0] == 0
        assert ReadingRemoval.objects.update(n_removed=1) == 0


def partition(owner, ago_days: int) -> date:
    """Of a day long ago, with a reading of the owner's in it."""
    day = (datetime.now(UTC) - timedelta(days=ago_days)).date()
    with as_platform("tests", "make a partition"), connections["platform"].cursor() as cursor:
        cursor.execute("SELECT wall.make_reading_partitions(%s, %s)", [day, day])
    gateway(owner).say(Lane.P2, reading(ago_s=ago_days * 86400))
    return day


def is_there(owner, day: date) -> bool:
    with owner.acting(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"edge_bridge_reading_{day:%Y%m%d}"])
        return bool(cursor.fetchone()[0])


def test_day_goes_as_a_whole_once_nobody_needs_it_and_not_before_it_was_summed_up(aurora):
    day, other = partition(aurora, 120), personas.aurora()
    gateway(other).say(Lane.P2, reading(ago_s=120 * 86400))
    retention.drop_days(datetime.now(UTC))
    assert is_there(aurora, day)
    rolled(aurora), rolled(other)
    assert retention.drop_days(datetime.now(UTC)) >= 2
    assert not is_there(aurora, day) and stored(aurora) == (0, 2)
    for owner in (aurora, other):
        with owner.acting():
            removal = ReadingRemoval.objects.get(tenant=owner.id)
            assert (removal.size_s, removal.n_removed, removal.before_at.date()) == (0, 1, day + timedelta(days=1))
            assert FeedEvent.objects.filter(kind="readings.removed", tenant=owner.id).count() == 1


def test_day_that_somebody_still_keeps_stays_and_the_others_readings_go(aurora):
    day, other = partition(aurora, 200), personas.aurora()
    gateway(other).say(Lane.P2, reading(ago_s=200 * 86400))
    rolled(aurora), rolled(other)
    with aurora.acting():
        retention.set_retention(raw_days=300, minute_days=400, hour_days=500)
    try:
        retention.sweep_retention(datetime.now(UTC))
        assert is_there(aurora, day) and (stored(aurora)[0], stored(other)[0]) == (1, 0)
    finally:
        with aurora.acting():
            ReadingRetention.objects.filter(tenant=aurora.id).delete()


def test_nobody_may_drop_a_day_that_is_not_over_and_the_application_none(aurora):
    today = datetime.now(UTC).date()
    with (
        pytest.raises(DatabaseError, match="not over"),
        as_platform("tests", "drop today"),
        connections["platform"].cursor() as cursor,
    ):
        cursor.execute("SELECT wall.drop_reading_partition(%s)", [today])
    with pytest.raises(DatabaseError, match="permission denied"), aurora.acting(), connection.cursor() as cursor:
        cursor.execute("SELECT wall.drop_reading_partition(%s)", [today - timedelta(days=30)])
