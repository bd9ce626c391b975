"""Trends, quality, lineage and the tag dictionary: what the owner is told, a partner, and nobody else."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from edge_bridge import protocol
from edge_bridge.models import DirtyMinute, Series
from edge_bridge.protocol import GapReason, Lane, Quality, Tag
from edge_bridge.readings.rolling import roll_up
from edge_bridge.readings.trends import MOST_ROWS
from tests.integration.edge.scenes import gateway, raised, reading, set_aside
from tests.integration.tenants.read_scenes import kinds_of, share

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=4)


def sent(owner, values, *, step_s: float = 10.0, tag: str = "ch4", unit: str = "%", quality=Quality.GOOD, edge=None):
    """A series of the pump with these values from HOUR on; None is a reading that was not made."""
    edge = edge or gateway(owner)
    edge.say(Lane.P1, protocol.Birth(HOUR, (Tag("PUMP-07", tag, unit),)))
    rows = [
        protocol.Reading("PUMP-07", tag, value, quality, HOUR + timedelta(seconds=n * step_s))
        for n, value in enumerate(values)
        if value is not None
    ]
    for start in range(0, len(rows), 500):
        edge.say(Lane.P2, *rows[start : start + 500])
    with owner.acting():
        DirtyMinute.objects.update(received_at=F("begins_at"))  # as if they had come at once
        roll_up(owner.id, datetime.now(UTC))
        return Series.objects.get(tenant=owner.id, tag=tag)


def trend(client, series, *, hours: float = 1.0, **more):
    span = {"from": HOUR.isoformat(), "to": (HOUR + timedelta(hours=hours)).isoformat()}
    return client.get(f"/api/v1/series/{series.pk}/trend", {**span, **more})


def test_few_readings_are_told_as_they_are_with_the_gap_between_them(aurora):
    series = sent(aurora, [1.0, 2.0, *[None] * 10, 3.0])
    got = trend(aurora.client(), series, hours=130 / 3600).json()
    assert got["level"] == "raw" and got["unit"] == "%" and got["masked"] == []
    assert [(point["value"], point["n"]) for point in got["points"]] == [(1, 1), (2, 1), (3, 1)]
    assert [(gap["from_at"], gap["to_at"], gap["reason"]) for gap in got["missing"]] == [
        ((HOUR + timedelta(seconds=10)).isoformat().replace("+00:00", "Z"),
         (HOUR + timedelta(seconds=120)).isoformat().replace("+00:00", "Z"), "silent")
    ]  # fmt: skip


@pytest.mark.parametrize("level", ["raw", "minute", "hour"])
@pytest.mark.parametrize("method", ["extremes", "lttb"])
def test_spike_survives_at_every_level(aurora, level, method):
    values = [0.5] * 720
    values[333] = 4.0
    got = trend(aurora.client(), sent(aurora, values), hours=2, points=20, level=level, method=method).json()
    assert got["level"] == level and len(got["points"]) <= 20 and got["missing"] == []
    assert max(point["highest"] for point in got["points"]) == 4.0


def test_more_readings_than_fit_are_told_by_the_minute(aurora, monkeypatch):
    monkeypatch.setattr("edge_bridge.readings.trends.MOST_ROWS", 100)
    assert MOST_ROWS > 100
    got = trend(aurora.client(), sent(aurora, [1.0] * 200)).json()
    assert got["level"] == "minute" and {point["n"] for point in got["points"]} == {6, 2} and len(got["points"]) == 34


def test_gap_that_the_gateway_explained_says_why_and_bad_readings_are_a_gap(aurora):
    edge = gateway(aurora)
    lost = protocol.Gap(
        edge.next_seq[Lane.P2], GapReason.LOST, 5, HOUR + timedelta(seconds=10), HOUR + timedelta(seconds=200)
    )
    edge.say(Lane.P2, lost)
    series = sent(aurora, [1.0, *[None] * 19, 2.0], edge=edge)
    sent(aurora, [None] * 21 + [9.0] * 20, quality=Quality.BAD, edge=edge)
    sent(aurora, [None] * 41 + [2.0], edge=edge)
    got = trend(aurora.client(), series, hours=420 / 3600).json()
    assert [gap["reason"] for gap in got["missing"]] == ["lost", "bad"]
    assert [point["value"] for point in got["points"]] == [1, 2, 2]


def told(edge, reason: GapReason, since_s: float, until_s: float, step_s: float) -> None:
    """Gaps that stand for a reading each, one after the other."""
    n = int((until_s - since_s) / step_s)
    first, at = edge.next_seq[Lane.P2], [HOUR + timedelta(seconds=since_s + k * step_s) for k in range(n + 1)]
    edge.say(Lane.P2, *[protocol.Gap(first + k, reason, 1, at[k], at[k + 1]) for k in range(n)])


def test_filter_explains_what_it_may_hold_back_and_no_dead_sensor(aurora):
    edge = gateway(aurora)
    series = sent(aurora, [*[1.0] * 6, *[None] * 6, 2.0], edge=edge)
    told(edge, GapReason.DEADBAND, 0, 1200, 10)
    got = trend(aurora.client(), series, hours=1200 / 3600).json()
    assert [gap["reason"] for gap in got["missing"]] == ["deadband", "silent"]
    assert trend(aurora.client(), series, hours=1200 / 3600, level="minute").json()["missing"][-1]["reason"] == "silent"


def test_filter_with_a_longer_override_is_known_by_how_often_its_series_speaks(aurora):
    edge = gateway(aurora)
    series = sent(aurora, [float(n % 2) for n in range(8)], step_s=300, edge=edge)
    told(edge, GapReason.SWINGING_DOOR, 0, 2100, 10)
    got = trend(aurora.client(), series, hours=2100 / 3600, level="minute").json()
    assert {gap["reason"] for gap in got["missing"]} == {"swinging_door"}


@pytest.mark.parametrize("level", ["raw", "minute"])
def test_loss_is_told_however_many_gaps_of_filters_came_after_it(aurora, level):
    edge = gateway(aurora)
    told(edge, GapReason.THINNED, 60, 900, 30)
    series = sent(aurora, [1.0, *[None] * 14, 2.0], step_s=60, edge=edge)
    told(edge, GapReason.DEADBAND, 0, 2400, 4)
    got = trend(aurora.client(), series, hours=0.25, level=level).json()
    assert [gap["reason"] for gap in got["missing"]] == ["thinned"]


def test_answer_says_where_not_all_gaps_are_told(aurora, monkeypatch):
    series = sent(aurora, [1.0, *[None] * 10, 3.0, *[None] * 10, 4.0])
    whole = trend(aurora.client(), series, hours=220 / 3600).json()
    assert len(whole["missing"]) == 2 and whole["missing_is_whole"]
    monkeypatch.setattr("edge_bridge.readings.trends.MOST_GAPS", 1)
    cut = trend(aurora.client(), series, hours=220 / 3600).json()
    assert len(cut["missing"]) == 1 and not cut["missing_is_whole"]
    span = {"from": HOUR.isoformat(), "to": (HOUR + timedelta(seconds=220)).isoformat()}
    table = aurora.client().get(f"/api/v1/series/{series.pk}/trend.csv", span).content.decode("utf-8-sig").split()
    said = [line.rsplit(",", 1)[1] for line in table[1:]]
    assert said == ["", "silent", "", "more"], "the first gap is told, and from its end on no other"


def test_table_holds_points_and_gaps(aurora):
    series = sent(aurora, [1.0, *[None] * 10, 3.0])
    span = {"from": HOUR.isoformat(), "to": (HOUR + timedelta(seconds=120)).isoformat()}
    answer = aurora.client().get(f"/api/v1/series/{series.pk}/trend.csv", span)
    lines = answer.content.decode("utf-8-sig").split()
    assert answer["Content-Type"].startswith("text/csv") and lines[0] == "at,value,lowest,highest,n,gap"
    assert [line.split(",", 1)[1] for line in lines[1:]] == ["1.0,1.0,1.0,1,", ",,,0,silent", "3.0,3.0,3.0,1,"]


def test_several_series_lie_on_one_axis(aurora):
    edge = gateway(aurora)
    ch4 = sent(aurora, [float(n) for n in range(60)], edge=edge)
    co = sent(aurora, [5.0] * 30, step_s=20, tag="co", unit="[ppm]", edge=edge)
    span = {"from": HOUR.isoformat(), "to": (HOUR + timedelta(minutes=10)).isoformat(), "points": 10}
    got = aurora.client().get("/api/v1/trends", {**span, "series": [str(ch4.pk), str(co.pk)]}).json()
    assert len(got["axis"]) == 10 and [each["tag"] for each in got["trends"]] == ["ch4", "co"]
    for each in got["trends"]:
        assert [point["at"] for point in each["points"]] == got["axis"]
    assert [point["value"] for point in got["trends"][0]["points"]][:2] == [2.5, 8.5]


def test_partner_sees_what_the_clause_opens_and_the_outsider_nothing(aurora, borealis, cassia, delta):
    series = sent(aurora, [1.0] * 12)
    share(aurora, borealis, "view_telemetry")
    share(aurora, delta, "view_telemetry", field_mask=["value"])
    for level in ("raw", "minute"):
        own = trend(aurora.client(), series, level=level).json()
        assert trend(borealis.client(), series, level=level).json()["points"] == own["points"] != []
        hidden = trend(delta.client(), series, level=level).json()
        assert hidden["masked"] == ["value"] and sum(point["n"] for point in hidden["points"]) == 12
        assert {point[name] for point in hidden["points"] for name in ("value", "lowest", "highest")} == {None}
    assert trend(cassia.client(), series).status_code == 404
    assert kinds_of(borealis)["roll-up"] == 2
    for path in ("quality", "lineage"):
        assert borealis.client().get(f"/api/v1/series/{series.pk}/{path}").status_code == 404


def test_delay_holds_figures_back_and_a_floor_shows_none(aurora, borealis, delta):
    series = sent(aurora, [1.0] * 360)
    back_s = int((datetime.now(UTC) - HOUR).total_seconds()) - 1800
    share(aurora, borealis, "view_telemetry", delay_s=back_s)
    share(aurora, delta, "view_telemetry", floor_n=3)
    minutes = trend(borealis.client(), series, level="minute").json()
    assert len(minutes["points"]) in (29, 30) and minutes["missing"] == []
    assert trend(borealis.client(), series, level="hour").json()["points"] == []
    assert trend(delta.client(), series, level="minute").json()["points"] == []


def test_quality_names_what_is_wrong_and_the_worst_sensor_comes_first(aurora):
    edge = gateway(aurora)
    good = sent(aurora, [1.0 + n % 7 / 10 for n in range(360)], edge=edge)
    sent(aurora, [7.0] * 360, tag="co", unit="[ppm]", edge=edge)
    sent(aurora, [20.9, 99.0] * 180, tag="o2", edge=edge)
    day = HOUR.date().isoformat()
    client = aurora.client()
    found = client.get("/api/v1/reading-quality", {"day": day}).json()
    by_tag = {each["tag"]: each for each in found}
    assert by_tag["co"]["worst"] == "liveliness" and by_tag["co"]["liveliness"] == 0 and found[0]["score"] == 0
    assert by_tag["o2"]["validity"] == 0 and by_tag["ch4"]["validity"] == by_tag["ch4"]["liveliness"] == 1
    assert [each["score"] for each in found] == sorted(each["score"] for each in found)
    days = client.get(f"/api/v1/series/{good.pk}/quality", {"from": day, "to": day}).json()
    assert [each["readings"] for each in days] == [360]


def test_lineage_names_sources_rules_and_readers(aurora, borealis):
    edge = gateway(aurora)
    series = sent(aurora, [1.0], edge=edge)
    edge.say(Lane.P0, raised(code="PUMP-07", tag="ch4"))
    share(aurora, borealis, "view_telemetry", delay_s=60)
    got = aurora.client().get(f"/api/v1/series/{series.pk}/lineage").json()
    assert got["verdict"]["definition"]["quantity"] == "volume fraction of methane" and got["n_alarms"] == 1
    assert [source["device"] for source in got["sources"]] == [str(edge.device.pk)] and got["rules"] == ["ch4"]
    assert [(reader["partner"], reader["delay_s"]) for reader in got["readers"]] == [(str(borealis.id), 60)]
    assert got["first_hour_at"] == HOUR.isoformat().replace("+00:00", "Z") and got["kept"]["raw_days"] == 90


def test_dictionary_lists_own_tags_it_does_not_know_with_a_suggestion(aurora, cassia):
    sent(aurora, [1.0], tag="methane")
    unknown = aurora.client().get("/api/v1/tags").json()["unknown"]
    assert [(each["tag"], each["verdict"]["suggestions"]) for each in unknown] == [("methane", ["ch4"])]
    assert cassia.client().get("/api/v1/tags").json()["unknown"] == []


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"points": 3}, "/points"),
        ({"level": "day"}, "/level"),
        ({"to": "2020-01-01T00:00:00Z"}, "/from"),
        ({"from": "2020-01-01T00:00:00Z", "level": "minute"}, "/from"),
        ({"from": "2000-01-01T00:00:00Z"}, "/from"),
    ],
)
def test_trend_that_can_not_be_told_is_refused_in_words(aurora, more, pointer):
    answer = trend(aurora.client(), sent(aurora, [1.0]), **more)
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == pointer


def test_readings_are_stored_in_the_unit_of_the_series_by_the_unit_of_their_time_however_late(aurora):
    edge = gateway(aurora)
    series = sent(aurora, [1.5], edge=edge)
    for minute, unit in [(1, "[ppm]"), (2, "%"), (3, "[ppth]"), (4, "[ppth]")]:
        edge.say(Lane.P1, protocol.Birth(HOUR + timedelta(minutes=minute), (Tag("PUMP-07", "ch4", unit),)))
    at = [HOUR + timedelta(seconds=each) for each in (50, 70, 130, 190, 250)]
    edge.say(Lane.P2, *[protocol.Reading("PUMP-07", "ch4", 50.0, Quality.GOOD, moment) for moment in at])
    got = trend(aurora.client(), series).json()
    assert got["unit"] == "%"
    assert [point["value"] for point in got["points"]] == pytest.approx([1.5, 50.0, 0.005, 50.0, 5.0, 5.0])


def test_value_that_is_too_large_in_the_unit_of_the_series_is_set_aside(aurora):
    edge = gateway(aurora)
    sent(aurora, [1.5], tag="pressure", unit="Pa", edge=edge)
    edge.say(Lane.P1, protocol.Birth(HOUR, (Tag("PUMP-07", "pressure", "MPa"),)))
    edge.say(Lane.P2, reading(1e308, tag="pressure"), reading(1.0, tag="pressure"))
    assert ["too large" in reason for reason in set_aside(aurora)] == [True]


def test_birth_with_a_unit_that_does_not_convert_is_set_aside_and_changes_nothing(aurora):
    edge = gateway(aurora)
    series = sent(aurora, [1.5], edge=edge)
    edge.say(Lane.P1, protocol.Birth(HOUR, (Tag("PUMP-07", "ch4", "Cel"),)))
    assert "measure different things" in set_aside(aurora)[0]
    assert trend(aurora.client(), series).json()["unit"] == "%"
