"""Where readings lie, and who may read them."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, connections

from edge_bridge import queries, tasks
from edge_bridge.models import Latest, Reading, Series
from edge_bridge.partitions import make_ahead
from edge_bridge.protocol import Lane, Quality
from edge_bridge.protocol import Reading as ReadingEntry
from tenants.agreements.actions import end_agreement
from tenants.context import as_platform
from tests.integration.edge.scenes import gateway, opened, reading


def at(moment: datetime, value: float) -> ReadingEntry:
    return ReadingEntry("PUMP-07", "vibration", value, Quality.GOOD, moment)


def rows(alias: str, sql: str, *values: object) -> list[tuple]:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def partition_of(owner, value: float) -> str:
    sql = "SELECT tableoid::regclass::text FROM edge_bridge_reading WHERE tenant_id = %s AND value = %s"
    with as_platform("tests", "look at partitions"):
        return rows("platform", sql, owner.id, value)[0][0]


def test_readings_lie_in_the_partition_of_their_day_in_utc(aurora):
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    edge = gateway(aurora)
    edge.say(
        Lane.P2, at(midnight, 1), at(midnight - timedelta(microseconds=1), 2), at(midnight - timedelta(days=300), 3)
    )
    yesterday = midnight - timedelta(days=1)
    assert partition_of(aurora, 1) == f"edge_bridge_reading_{midnight:%Y%m%d}"
    assert partition_of(aurora, 2) == f"edge_bridge_reading_{yesterday:%Y%m%d}"
    assert partition_of(aurora, 3) == "edge_bridge_reading_default"


def test_query_past_the_parent_reads_nothing_and_writes_nothing(aurora):
    gateway(aurora).say(Lane.P2, at(datetime.now(UTC), 1), at(datetime.now(UTC) - timedelta(days=300), 2))
    today = f"edge_bridge_reading_{datetime.now(UTC):%Y%m%d}"
    with aurora.acting():
        assert Reading.objects.count() == 2
        for table in (today, "edge_bridge_reading_default"):
            assert rows("default", f"SELECT count(*) FROM {table}") == [(0,)]
    with pytest.raises(ProgrammingError, match="row-level security"), aurora.acting():
        connection.cursor().execute(f"INSERT INTO {today} SELECT * FROM edge_bridge_reading LIMIT 1")


def test_readings_can_be_neither_changed_nor_removed_by_the_application(aurora):
    gateway(aurora).say(Lane.P2, reading(1))
    with aurora.acting():
        assert Reading.objects.filter(tenant=aurora.id).update(value=2) == 0
        assert Reading.objects.filter(tenant=aurora.id).delete()[0] == 0


def test_day_whose_rows_came_before_its_partition_stays_in_the_default_one(aurora, caplog):
    day = datetime.now(UTC).date() + timedelta(days=40)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    make = "SELECT day, made FROM wall.make_reading_partitions(%s, %s)"
    with aurora.acting():
        place = {"tenant_id": aurora.id, "site": aurora.sites["north"], "equipment": aurora.equipment["PUMP-07"]}
        series = Series.objects.create(**place, tag="x")
        Reading.objects.create(tenant_id=aurora.id, series=series, measured_at=noon, value=77, quality=0)
    with as_platform("tests", "make partitions"):
        made = rows("platform", make, day - timedelta(days=1), day + timedelta(days=1))
        again = rows("platform", make, day - timedelta(days=1), day + timedelta(days=1))
    assert [ok for _, ok in made] == [True, False, True]
    assert again == [(day, False)]
    assert partition_of(aurora, 77) == "edge_bridge_reading_default"


def test_hourly_task_makes_what_is_missing_and_nothing_twice():
    assert tasks.make_reading_partitions.system
    tasks.make_reading_partitions()
    assert tasks.make_reading_partitions() == 0
    ahead = datetime.now(UTC) + timedelta(days=14)
    with as_platform("tests", "look at partitions"):
        assert rows("platform", "SELECT to_regclass(%s) IS NOT NULL", f"edge_bridge_reading_{ahead:%Y%m%d}") == [
            (True,)
        ]


@pytest.mark.parametrize("span", [(None, None), (0, 70), (-500, -480), (50, 90), (3, 2)])
def test_partition_maker_refuses_what_is_out_of_reach(span):
    days = [None if n is None else datetime.now(UTC).date() + timedelta(days=n) for n in span]
    with pytest.raises(psycopg.errors.InvalidParameterValue), psycopg.connect(**_platform()) as platform:
        platform.execute("SELECT wall.make_reading_partitions(%s, %s)", days)


def _platform() -> dict[str, object]:
    used = settings.DATABASES["platform"]
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return {key: used[name] for key, name in names.items()}


def test_application_role_can_not_make_partitions(aurora):
    with pytest.raises(ProgrammingError, match="permission denied"), aurora.acting():
        make_ahead("default")


def test_partner_reads_series_readings_and_latest_only_while_they_are_open(aurora, borealis, cassia):
    gateway(aurora).say(Lane.P2, reading(4.2), reading(0.3, code="GAS-T0-01", tag="CH4"))
    agreement = opened(aurora, borealis, "view_telemetry", equipment="PUMP-07")
    with borealis.acting():
        assert [row.tag for row in Series.objects.all()] == ["vibration"]
        assert [row.value for row in Reading.objects.all()] == [4.2] == [row.value for row in Latest.objects.all()]
    with aurora.acting():
        assert Reading.objects.count() == 2
        end_agreement(agreement=agreement, reason="done")
    for outsider in (borealis, cassia):
        with outsider.acting():
            for model in (Series, Reading, Latest):
                assert not model.objects.exists()


def test_readings_of_one_series_are_found_by_its_index(aurora, borealis):
    """Also for a partner, whose policy asks for the opened series: they are collected once, not for each row."""
    gateway(aurora).say(Lane.P2, *[reading(n, ago_s=n) for n in range(500)])
    opened(aurora, borealis, "view_telemetry")
    now = datetime.now(UTC)
    for party in (aurora, borealis):
        with party.acting():
            connection.cursor().execute("SET LOCAL enable_seqscan = off")
            found = queries.readings(Series.objects.get(), since=now - timedelta(hours=1), until=now, limit=10)
            plan, rows = found.explain(), len(found)
        assert "Index Scan" in plan and "InitPlan" in plan and "edge_bridge_reading_default" not in plan
        assert rows == 10
