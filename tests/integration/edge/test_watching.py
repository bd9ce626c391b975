"""A maker's fleet over its customers, and a supervisor's mines: what is open, as it is, and nothing else."""

from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from edge_bridge import protocol
from edge_bridge.alarms import actions as alarming
from edge_bridge.models import Alarm, Latest, Series
from edge_bridge.protocol import Lane, Quality, Tag
from edge_bridge.readings import retention
from edge_bridge.readings.rolling import roll_up
from edge_bridge.watching import gaps as gap_logs
from edge_bridge.watching import oversight as watching
from edge_bridge.watching.oversight import oversight
from tests import personas
from tests.integration.edge.scenes import gateway, raised, reading
from tests.integration.tenants.read_scenes import kinds_of, share

FLEET, MINES, GAPS = "/api/v1/fleet-health", "/api/v1/oversight", "/api/v1/oversight/gaps"


def mines(party, hours: int = 1, **asked: str) -> list:
    answer = party.client().get(MINES, {"hours": hours, **asked})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_maker_sees_its_machines_at_all_customers_and_the_faults_that_make_most_alarms(aurora, borealis, cassia):
    other = personas.aurora()
    for owner in (aurora, other):
        share(owner, borealis, "view_alarms", equipment="PUMP-07")
        edge = gateway(owner)
        edge.say(Lane.P1, raised(code="PUMP-07", alarm_type="hot"), raised(code="FAN-01", alarm_type="slow"))
    gateway(aurora).say(Lane.P1, raised(code="PUMP-07", alarm_type="leak"))
    gateway(aurora).say(Lane.P1, raised(code="PUMP-07", alarm_type="dry"))
    got = borealis.client().get(FLEET, {"days": 7}).json()
    assert [(row["code"], row["owner"], sum(row["counts"])) for row in got["machines"]] == [
        ("PUMP-07", str(aurora.id), 3),
        ("PUMP-07", str(other.id), 1),
    ]
    assert len(got["days"]) == 7 and got["machines"][0]["counts"] == [0] * 6 + [3] and got["is_whole"]
    assert got["machines"][0]["owner_name"] == "Aurora" and got["machines"][0]["kind"] == "pump"
    assert [tuple(fault.values()) for fault in got["faults"]] == [
        ("hot", 2, 2, 0.5),
        ("dry", 1, 1, 0.75),
        ("leak", 1, 1, 1.0),
    ]  # fmt: skip
    assert kinds_of(borealis)["alarm"] == 4
    for stranger in (cassia, aurora):  # to whom nobody opened anything; one's own machines are elsewhere
        assert stranger.client().get(FLEET).json()["machines"] == []
    assert borealis.client().get(FLEET, {"days": 93}).status_code == 422


def test_alarms_of_earlier_days_fall_out_of_the_fleet(aurora, borealis):
    share(aurora, borealis, "view_alarms", equipment="PUMP-07")
    edge, long_ago = gateway(aurora), datetime.now(UTC) - timedelta(days=3)
    edge.say(Lane.P1, raised(code="PUMP-07", occurred_at=long_ago))
    got = borealis.client().get(FLEET, {"days": 2}).json()
    assert [(row["code"], row["counts"]) for row in got["machines"]] == [("PUMP-07", [0, 0])] and got["faults"] == []
    assert sum(borealis.client().get(FLEET, {"days": 4}).json()["machines"][0]["counts"]) == 1


def test_machine_that_does_well_is_in_the_fleet_but_not_one_whose_alarms_are_shut(aurora, borealis):
    share(aurora, borealis, "view_alarms", equipment="PUMP-07")
    share(aurora, borealis, "view_telemetry", equipment="FAN-01")
    got = borealis.client().get(FLEET, {"days": 1}).json()
    assert [(row["code"], row["kind"], row["site_name"], row["owner_name"]) for row in got["machines"]] == [
        ("PUMP-07", "pump", "Aurora North", "Aurora")
    ]
    assert got["is_whole"] and got["machines"][0]["counts"] == [0]


def sensors(owner, values, *, ago_s: float, step_s: float = 10.0, edge=None, rolled: bool = True):
    """Methane of the heading, the first value so long ago; None is a reading that was not made."""
    edge, begin = edge or gateway(owner), datetime.now(UTC) - timedelta(seconds=ago_s)
    edge.say(Lane.P1, protocol.Birth(begin, (Tag("GAS-T0-01", "ch4", "%"),)))
    said = [
        protocol.Reading("GAS-T0-01", "ch4", value, Quality.GOOD, begin + timedelta(seconds=n * step_s))
        for n, value in enumerate(values)
        if value is not None
    ]
    edge.say(Lane.P2, *said)
    if rolled:
        with owner.acting():
            roll_up(owner.id, datetime.now(UTC) + timedelta(minutes=2))
    return edge


def test_supervisor_sees_limit_silence_gap_and_what_came_late(aurora, delta, cassia):
    share(aurora, delta, "view_telemetry", "view_alarms")
    sensors(aurora, [0.5, *[None] * 83, 0.6], ago_s=1200)
    gateway(aurora).say(Lane.P1, raised(1.2, tag="ch4", alarm_type="methane"))
    (mine,) = mines(delta)
    assert (mine["site_name"], mine["owner"], mine["owner_name"]) == ("Aurora North", str(aurora.id), "Aurora")
    (sensor,) = mine["sensors"]
    assert (sensor["equipment_code"], sensor["tag"], sensor["value"], sensor["unit"]) == ("GAS-T0-01", "ch4", 0.6, "%")
    assert sensor["limits"] == {"methane": 1.0}
    assert sensor["speech"] == "silent" and 355 < sensor["silent_s"] < 420
    assert mine["n_sensors"] == 1 and mine["is_whole"]
    assert [gap["reason"] for gap in sensor["gaps"]] == ["silent", "silent"], "the one between them, and the one now"
    assert sensor["late_minutes"] == 2, "both came within this minute, of minutes long past"
    assert [alarm["alarm_type"] for alarm in mine["alarms"]] == ["methane"]
    assert kinds_of(delta)["roll-up"] > 0
    assert mines(cassia) == []


def test_gap_that_was_filled_is_no_gap_any_more_but_its_minutes_are_late(aurora, delta):
    share(aurora, delta, "view_telemetry")
    edge = sensors(aurora, [0.5, *[None] * 83, 0.6], ago_s=850)
    (before,) = mines(delta)[0]["sensors"]
    assert len(before["gaps"]) == 1 and before["silent_s"] is None
    sensors(aurora, [None, *[0.5] * 83], ago_s=850, edge=edge)
    (after,) = mines(delta)[0]["sensors"]
    assert after["gaps"] == [] and after["late_minutes"] >= 9


def gaps(party, **asked) -> list[tuple[str, float]]:
    """State and minutes of each stretch of the one sensor."""
    answer = party.client().get(GAPS, asked)
    assert answer.status_code == 200, answer.content
    (sensor,) = answer.json()["sensors"]
    return [(each["state"], each["length_s"] / 60) for each in sensor["stretches"]]


def away(owner, *, minutes: int, edge=None, filled: bool = False, quality: Quality = Quality.GOOD):
    """A sensor that was away for so many minutes and came back seven minutes ago; when it left and came back.

    What it says of the minutes around that time comes late, what it says of the last four does not.
    """
    back = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=7)
    left, edge = back - timedelta(minutes=minutes), edge or gateway(owner)
    times = [left - timedelta(minutes=1), back, *(back + timedelta(seconds=30 * n) for n in range(7, 14))]
    if filled:
        times = [left + timedelta(seconds=30 * n) for n in range(2 * minutes)]
    edge.say(Lane.P2, *(protocol.Reading("GAS-T0-01", "ch4", 0.5, quality, at) for at in times))
    with owner.acting():
        roll_up(owner.id, datetime.now(UTC))
    return edge, left, back


def test_log_keeps_when_and_how_long_a_gap_was_after_it_was_filled(aurora, delta):
    share(aurora, delta, "view_telemetry")
    edge, left, back = away(aurora, minutes=14)
    assert gaps(delta) == [("late", 1), ("open", 14), ("late", 1)]
    away(aurora, minutes=14, edge=edge, filled=True)
    assert [each["gaps"] for each in mines(delta)[0]["sensors"]] == [[]]
    (sensor,) = delta.client().get(GAPS).json()["sensors"]
    (stretch,) = sensor["stretches"]
    minute = timedelta(minutes=1)
    assert datetime.fromisoformat(stretch["from_at"]) == left - minute, "the minute before came late as well"
    assert datetime.fromisoformat(stretch["to_at"]) == back + minute
    assert (stretch["state"], stretch["length_s"]) == ("late", 16 * 60)
    assert (sensor["equipment_code"], sensor["tag"], sensor["owner_name"]) == ("GAS-T0-01", "ch4", "Aurora")
    assert sensor["site"] == str(aurora.sites["north"].pk)
    kinds = kinds_of(delta)
    assert kinds["roll-up"] and kinds["series"]


def test_log_tells_a_gap_that_began_before_its_days(aurora, delta):
    share(aurora, delta, "view_telemetry")
    away(aurora, minutes=1500)
    assert gaps(delta, days=1) == [("open", 1500), ("late", 1)]
    assert gaps(delta, days=2) == [("late", 1), ("open", 1500), ("late", 1)]


def test_sensor_that_is_away_now_is_in_the_log(aurora, delta):
    share(aurora, delta, "view_telemetry")
    long_ago = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=2880)
    gateway(aurora).say(Lane.P2, protocol.Reading("GAS-T0-01", "ch4", 0.5, Quality.GOOD, long_ago))
    with aurora.acting():
        roll_up(aurora.id, datetime.now(UTC))
    ((state, length_min),) = gaps(delta, days=1)
    assert state == "open" and 2878 <= length_min <= 2880


def sensor_log(party, **asked) -> dict:
    (sensor,) = party.client().get(GAPS, asked).json()["sensors"]
    return sensor


def born_days_ago(owner, days: float) -> datetime:
    """A sensor that a birth named so long ago, and of which nothing was heard since; when that was, to the minute."""
    gateway(owner).say(Lane.P1, protocol.Birth(datetime.now(UTC), (Tag("GAS-T0-01", "ch4", "%"),)))
    created_at = datetime.now(UTC) - timedelta(days=days)
    with owner.acting():
        Series.objects.update(created_at=created_at)
    return created_at.replace(second=0, microsecond=0)


def test_sensor_that_was_never_heard_was_away_since_it_is_known(aurora, delta):
    share(aurora, delta, "view_telemetry")
    created_at = born_days_ago(aurora, 3)
    for days in (7, 1):
        sensor = sensor_log(delta, days=days)
        ((state, length_min),) = gaps(delta, days=days)
        assert state == "open" and 3 * 1440 - 3 <= length_min <= 3 * 1440
        assert datetime.fromisoformat(sensor["known_since"]) == created_at
        assert datetime.fromisoformat(sensor["stretches"][0]["from_at"]) == created_at
    away(aurora, minutes=14)
    assert gaps(delta)[0][0] == "open" and 3 * 1440 - 25 <= gaps(delta)[0][1] <= 3 * 1440 - 20


def test_stamp_from_long_before_the_sensor_was_known_begins_no_gap(aurora, delta):
    share(aurora, delta, "view_telemetry")
    edge = gateway(aurora)
    long_ago = [datetime(1970, 1, 1, tzinfo=UTC), datetime.now(UTC) - timedelta(days=300)]
    edge.say(Lane.P2, *(protocol.Reading("GAS-T0-01", "ch4", 0.5, Quality.GOOD, at) for at in long_ago))
    away(aurora, minutes=14, edge=edge)
    assert gaps(delta) == [("late", 1), ("open", 14), ("late", 1)]


def test_log_says_from_when_on_it_knows_of_gaps_when_the_mine_keeps_minutes_for_less(aurora, delta):
    share(aurora, delta, "view_telemetry")
    born_days_ago(aurora, 30)
    away(aurora, minutes=3000)
    assert ("open", 3000) in gaps(delta)
    wish = {"raw_days": 1, "minute_days": 1, "hour_days": 3650}
    assert aurora.client().put("/api/v1/reading-retention", wish, format="json").status_code == 200
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in ("set", "swept"):
        sensor = sensor_log(delta)
        assert datetime.fromisoformat(sensor["known_since"]) == midnight - timedelta(days=1)
        assert sensor["stretches"][0]["from_at"] == sensor["known_since"], "it is told as far as it is known"
        retention.remove_over(aurora.id, datetime.now(UTC))


def test_stretch_of_bad_readings_only_is_in_the_log_and_fills_no_gap(aurora, delta):
    share(aurora, delta, "view_telemetry")
    edge, *_ = away(aurora, minutes=14)
    away(aurora, minutes=14, edge=edge, filled=True, quality=Quality.BAD)
    assert gaps(delta) == [("late", 1), ("bad", 14), ("late", 1)]


def test_log_shows_what_is_open_only_page_by_page(aurora, delta, borealis, cassia, monkeypatch):
    monkeypatch.setattr(gap_logs, "PAGE_SENSORS", 2)
    share(aurora, delta, "view_telemetry", field_mask=["tag"])
    share(aurora, borealis, "view_telemetry", equipment="PUMP-07", floor_n=5)
    gateway(aurora).say(Lane.P2, *(reading(code=code) for code in ("GAS-T0-01", "PUMP-07", "FAN-01")))
    first = delta.client().get(GAPS).json()
    second = delta.client().get(GAPS, {"after": first["next_after"]}).json()
    shown = [each["equipment_code"] for page in (first, second) for each in page["sensors"]]
    assert sorted(shown) == ["FAN-01", "GAS-T0-01", "PUMP-07"] and len(first["sensors"]) == 2
    assert second["next_after"] is None and {each["tag"] for each in first["sensors"]} == {None}
    assert delta.client().get(GAPS, {"site": str(aurora.sites["north-mill"].pk)}).json()["sensors"] == []
    for stranger in (borealis, cassia, aurora):
        assert stranger.client().get(GAPS).json()["sensors"] == []
    assert delta.client().get(GAPS, {"days": 32}).status_code == 422


def test_page_ends_with_the_sensor_that_has_too_many_minutes(aurora, delta, monkeypatch):
    monkeypatch.setattr(gap_logs, "PAGE_MINUTES", 1)
    share(aurora, delta, "view_telemetry")
    edge, *_ = away(aurora, minutes=14)
    edge.say(Lane.P2, reading(code="PUMP-07"))
    first = delta.client().get(GAPS).json()
    assert len(first["sensors"]) == 1 and first["next_after"] == first["sensors"][0]["series"]


def test_what_a_clause_delays_is_no_gap_in_the_log(aurora, delta):
    share(aurora, delta, "view_telemetry", delay_s=3600)
    away(aurora, minutes=14)
    assert gaps(delta) == []


def test_what_the_mine_silences_stays_on_the_supervisors_page(aurora, delta):
    share(aurora, delta, "view_alarms")
    gateway(aurora).say(Lane.P1, raised())
    until = datetime.now(UTC) + timedelta(minutes=10)
    with aurora.acting():
        alarming.shelve_alarm(alarm=Alarm.objects.get(), until=until, reason="sensor is being calibrated")
    (mine,) = mines(delta)
    assert mine["sensors"] == [], "alarms are open, readings are not"
    assert [(row["state"], row["silenced_reason"]) for row in mine["alarms"]] == [
        ("SHLVD", "sensor is being calibrated")
    ]


def test_silent_sensor_is_shown_before_any_is_left_out(aurora, delta, monkeypatch):
    monkeypatch.setattr(watching, "MOST_SENSORS", 2)
    share(aurora, delta, "view_telemetry")
    edge = gateway(aurora)
    edge.say(Lane.P2, reading(code="GAS-T0-01", tag="CH4", ago_s=900))
    edge.say(Lane.P2, reading(code="PUMP-07"), reading(code="FAN-01"))
    with aurora.acting():
        fan = aurora.equipment["FAN-01"]
        Series.objects.create(tenant_id=aurora.id, site=fan.site, equipment=fan, tag="speed", unit="rpm")
    (mine,) = mines(delta)
    assert [(each["tag"], each["speech"], each["silent_s"] is None) for each in mine["sensors"]] == [
        ("speed", "unheard", True),
        ("CH4", "silent", False),
    ], "the oldest of them"
    assert mine["n_sensors"] == 4 and not mine["is_whole"]
    assert mines(delta, site=mine["site"])[0]["n_sensors"] == 4
    assert mines(delta, site=str(aurora.sites["north-mill"].pk)) == []


def test_sensor_whose_newest_word_has_a_time_that_has_not_come_is_silent_and_comes_first(aurora, delta):
    share(aurora, delta, "view_telemetry")
    edge = gateway(aurora)
    edge.say(Lane.P2, reading(code="PUMP-07"))
    edge.say(Lane.P2, reading(code="GAS-T0-01", tag="CH4", ago_s=-3600))
    assert [(each["tag"], each["speech"], each["silent_s"]) for each in mines(delta)[0]["sensors"]] == [
        ("CH4", "silent", None),
        ("vibration", "speaks", None),
    ]
    with aurora.acting():
        gas, hour = Latest.objects.filter(series__tag="CH4"), timedelta(hours=1)
        gas.update(measured_at=F("measured_at") - hour, received_at=F("received_at") - hour)
    first = mines(delta)[0]["sensors"][0]
    assert (first["tag"], first["speech"], first["is_ahead"]) == ("CH4", "silent", False), "an hour later"
    assert 3590 < first["silent_s"] < 3700
    edge.say(Lane.P2, reading(code="GAS-T0-01", tag="CH4"))
    assert {each["speech"] for each in mines(delta)[0]["sensors"]} == {"speaks"}


def test_what_a_clause_delays_is_not_silence(aurora, delta):
    share(aurora, delta, "view_telemetry", delay_s=3600)
    gateway(aurora).say(Lane.P2, reading(code="GAS-T0-01", tag="CH4"))
    (sensor,) = mines(delta)[0]["sensors"]
    assert (sensor["speech"], sensor["silent_s"], sensor["value"]) == ("untold", None, None)


def test_oversight_of_more_sensors_asks_no_more_statements(aurora, delta):
    share(aurora, delta, "view_telemetry", "view_alarms")
    asked = []
    for codes in (("GAS-T0-01",), ("PUMP-07", "FAN-01", "TRUCK-07")):
        gateway(aurora).say(Lane.P2, *(reading(code=code) for code in codes))
        with delta.acting(), CaptureQueriesContext(connection) as statements:
            (mine,) = oversight()
        asked.append(len(statements))
    assert len(mine.sensors) == 4 and asked[0] == asked[1]


def test_what_a_clause_hides_is_null_and_a_floor_shows_no_sensor(aurora, delta, borealis):
    share(aurora, delta, "view_telemetry", field_mask=["value", "tag"])
    share(aurora, borealis, "view_telemetry", floor_n=5)
    sensors(aurora, [0.5] * 6, ago_s=60)
    (sensor,) = mines(delta)[0]["sensors"]
    assert (sensor["value"], sensor["tag"], sensor["equipment_code"]) == (None, None, "GAS-T0-01")
    assert mines(borealis) == []


def test_span_is_bounded(delta):
    for hours in (0, 25):
        assert delta.client().get(MINES, {"hours": hours}).status_code == 422
