"""A clause with a delay shows what is that old, and acknowledging goes as the permission says."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from edge_bridge.models import Alarm, AlarmChange, Latest, Reading, Series
from tenants.context import as_platform
from tests.integration.edge.scenes import the_alarm
from tests.integration.tenants.read_scenes import reads_of, share, with_alarm_and_readings

ALARMS = "/api/v1/alarms"


def aged(owner, age: timedelta) -> None:
    """All that the owner's gateway has told is that much older."""
    with as_platform("tests", "make rows older"), connections["platform"].cursor() as cursor:
        for table, columns in (
            ("edge_bridge_alarm", ("occurred_at", "received_at", "raised_at", "changed_at")),
            ("edge_bridge_latest", ("measured_at",)),
            ("edge_bridge_reading", ("measured_at",)),
        ):
            moved = ", ".join(f"{column} = {column} - %(age)s" for column in columns)
            cursor.execute(f"UPDATE {table} SET {moved} WHERE tenant_id = %(owner)s", {"age": age, "owner": owner.id})


def in_half_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(minutes=30)).isoformat()


@pytest.mark.parametrize(("age_s", "is_shown"), [(0, False), (3500, False), (3700, True)])
def test_rows_are_shown_only_after_the_delay(aurora, borealis, cassia, age_s, is_shown):
    with_alarm_and_readings(aurora, n=1)
    aged(aurora, timedelta(seconds=age_s))
    share(aurora, borealis, "view_alarms", "view_telemetry", delay_s=3600)
    with borealis.acting():
        assert [model.objects.exists() for model in (Alarm, AlarmChange, Latest, Reading)] == [is_shown] * 4
    assert len(borealis.client().get(ALARMS, {"shared": True}).json()["results"]) == is_shown
    with aurora.acting():
        assert Alarm.objects.exists() and Reading.objects.exists()
    with cassia.acting():
        assert not Alarm.objects.exists() and not Reading.objects.exists()


def test_of_two_clauses_the_shorter_delay_counts_and_an_immediate_one_is_recorded(aurora, borealis):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms", delay_s=3600)
    at_once = share(aurora, borealis, "view_alarms", equipment="GAS-T0-01", field_mask=["value"])
    with borealis.acting():
        assert Alarm.objects.get().value is None
    assert {read.agreement_id for read in reads_of(aurora) if read.kind == "alarm"} == {at_once.pk}


def test_partner_acknowledges_an_old_alarm_under_a_delay_and_then_waits_to_see_it_again(aurora, borealis):
    with_alarm_and_readings(aurora)
    aged(aurora, timedelta(hours=2))
    share(aurora, borealis, "view_alarms", delay_s=3600)
    share(aurora, borealis, "acknowledge_alarms")
    client, url = borealis.client(), f"{ALARMS}/{the_alarm(aurora).pk}"
    assert client.post(f"{url}/acknowledge").json()["state"] == "ACKED"
    assert client.get(url).status_code == 404
    assert the_alarm(aurora).acknowledged_for_id == borealis.id


def test_alarm_within_the_delay_can_not_be_acknowledged_nor_one_without_that_permission(aurora, borealis):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_alarms", delay_s=3600)
    share(aurora, borealis, "acknowledge_alarms")
    url = f"{ALARMS}/{the_alarm(aurora).pk}/acknowledge"
    client = borealis.client()
    assert client.post(url).status_code == 404
    share(aurora, borealis, "view_alarms")
    assert client.post(url).status_code == 200
    assert the_alarm(aurora).acknowledged_at > datetime.now(UTC) - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("step", "said"),
    [("comment", {"comment": "on its way"}), ("shelve", {"reason": "sensor is cleaned", "until": in_half_an_hour()})],
)
def test_what_the_owner_does_about_an_old_alarm_is_shown_after_the_delay(aurora, borealis, step, said):
    with_alarm_and_readings(aurora)
    aged(aurora, timedelta(hours=2))
    share(aurora, borealis, "view_alarms", delay_s=3600)
    client, url = borealis.client(), f"{ALARMS}/{the_alarm(aurora).pk}"
    assert client.get(url).json()["state"] == "UNACK"
    assert aurora.client().post(f"{url}/{step}", said).status_code == 200
    assert client.get(url).status_code == 404
    aged(aurora, timedelta(hours=2))
    assert client.get(url).json()["changes"][0]["event"].startswith(step)


def test_no_single_reading_is_shown_under_a_floor(aurora, borealis):
    with_alarm_and_readings(aurora)
    share(aurora, borealis, "view_telemetry", floor_n=2)
    with borealis.acting():
        assert Series.objects.exists() and not Latest.objects.exists() and not Reading.objects.exists()
