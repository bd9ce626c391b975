"""Alarms, series, readings and devices over the API, for their owner, a partner and an outsider."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from edge_bridge.alarms import actions
from edge_bridge.models import Alarm, Series
from edge_bridge.protocol import Birth, Lane, Tag
from tenants.agreements.actions import end_agreement
from tenants.context import as_platform
from tenants.models import Tenant
from tests.integration.edge.scenes import cleared, gateway, opened, raised, reading, the_alarm

API = "/api/v1"


def found(client, query: str = "") -> list[str]:
    answer = client.get(f"{API}/alarms{query}")
    assert answer.status_code == 200, answer.content
    return [row["alarm_type"] for row in answer.json()["results"]]


def test_alarm_list_filters_and_pages(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(alarm_type="a"), raised(alarm_type="b", severity="low", code="FAN-01"))
    edge.say(Lane.P0, raised(alarm_type="c"), cleared(alarm_type="c"))
    client = aurora.client()
    assert found(client) == ["c", "b", "a"]
    assert found(client, "?state=RTNUN") == ["c"]
    assert found(client, "?active=true") == ["c", "b", "a"] and found(client, "?active=false") == []
    assert found(client, "?severity=low") == ["b"]
    assert found(client, f"?equipment={aurora.equipment['FAN-01'].pk}") == ["b"]
    assert found(client, f"?site={aurora.sites['north-mill'].pk}") == []
    first = client.get(f"{API}/alarms?page_size=2").json()
    assert [row["alarm_type"] for row in client.get(first["next"]).json()["results"]] == ["a"]


def test_state_is_compared_as_it_is_told_when_a_shelf_is_over(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, *(raised(alarm_type=kind, severity="low") for kind in ("stands", "went", "shelved")))
    end = datetime.now(UTC) + timedelta(hours=1)
    with aurora.acting():
        for alarm in Alarm.objects.all():
            actions.shelve_alarm(alarm=alarm, until=end, reason="sensor is being cleaned")
    edge.say(Lane.P0, cleared(alarm_type="went", severity="low"))
    with aurora.acting():
        Alarm.objects.exclude(alarm_type="shelved").update(shelved_until=datetime.now(UTC))
    client = aurora.client()
    told = {kind: client.get(f"{API}/alarms/{pk}").json()["state"] for kind, pk in ids_by_type(aurora).items()}
    assert told == {"stands": "UNACK", "went": "NORM", "shelved": "SHLVD"}
    assert {kind: found(client, f"?state={state}") for kind, state in told.items()} == {kind: [kind] for kind in told}
    assert (found(client, "?active=true"), found(client, "?active=false")) == (["shelved", "stands"], ["went"])


def ids_by_type(owner):
    with owner.acting():
        return dict(Alarm.objects.own().values_list("alarm_type", "pk"))


@pytest.mark.parametrize("query", ["state=RED", "severity=loud", "site=north", "equipment=1", "active=perhaps"])
def test_bad_filter_is_refused_with_its_name(aurora, query):
    answer = aurora.client().get(f"{API}/alarms?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{query.split('=')[0]}"


def test_shared_list_holds_what_partners_opened_and_only_while_they_do(aurora, borealis, cassia):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    agreement = opened(aurora, borealis, "view_alarms", "acknowledge_alarms", equipment="GAS-T0-01")
    edge.say(Lane.P0, raised(code="FAN-01", alarm_type="stopped"))
    firm = borealis.client()
    assert found(firm, "?shared=true") == ["ch4.hi"] and found(firm) == []
    assert found(aurora.client(), "?shared=true") == [] and len(found(aurora.client())) == 2
    with borealis.acting():
        alarm = Alarm.objects.get().pk
    detail = firm.post(f"{API}/alarms/{alarm}/acknowledge", {"comment": "on the way"})
    assert detail.status_code == 200
    assert detail.json()["state"] == "ACKED" and detail.json()["changes"][0]["comment"] == "on the way"
    assert detail.json()["acknowledged_for"] == str(borealis.id)
    with aurora.acting():
        end_agreement(agreement=agreement, reason="done")
    for outsider in (firm, cassia.client()):
        assert found(outsider, "?shared=true") == []
        assert outsider.get(f"{API}/alarms/{alarm}").status_code == 404
        assert outsider.post(f"{API}/alarms/{alarm}/acknowledge").status_code == 404
    assert aurora.client().get(f"{API}/alarms/{alarm}").json()["changes"][0]["by_tenant"] == str(borealis.id)


def test_alarm_of_an_owner_who_is_not_listed_is_still_shared(aurora, borealis):
    with as_platform("tests", "take an organisation off the list"):
        Tenant.objects.filter(pk=aurora.id).update(listed=False)
    opened(aurora, borealis, "view_alarms")
    gateway(aurora).say(Lane.P0, raised())
    assert found(borealis.client(), "?shared=true") == ["ch4.hi"]


def test_acknowledging_twice_or_with_an_endless_comment_is_refused_in_words(aurora):
    gateway(aurora).say(Lane.P0, raised())
    path = f"{API}/alarms/{the_alarm(aurora).pk}/acknowledge"
    client = aurora.client()
    assert client.post(path, {"comment": "x" * 1001}).json()["errors"][0]["pointer"] == "/comment"
    assert client.post(path).status_code == 200
    again = client.post(path)
    assert again.status_code == 409 and "ACKED cannot be acknowledged" in again.json()["detail"]


def test_foreign_and_absent_objects_answer_alike(aurora, cassia):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    edge.say(Lane.P2, reading())
    with aurora.acting():
        alarm, series = Alarm.objects.get().pk, Series.objects.get().pk
    client = cassia.client()
    for path, foreign in (
        ("alarms/{}", alarm),
        ("series/{}/readings", series),
        ("equipment/{}/series", aurora.equipment["PUMP-07"].pk),
        ("devices/{}", edge.device.pk),
    ):
        answers = [client.get(f"{API}/{path.format(key)}") for key in (foreign, uuid4())]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    assert client.post(f"{API}/devices/{edge.device.pk}/revoke").status_code == 404
    assert client.post(f"{API}/devices", {"site": str(aurora.sites["north"].pk), "name": "x"}).status_code == 404


def test_series_of_a_machine_come_with_unit_and_newest_value(aurora):
    edge = gateway(aurora)
    tags = (Tag("PUMP-07", "vibration", "mm/s"), Tag("PUMP-07", "flow", "m3/h"))
    edge.say(Lane.P1, Birth(datetime.now(UTC), tags))
    edge.say(Lane.P2, reading(3.5, ago_s=1), reading(4.5))
    answer = aurora.client().get(f"{API}/equipment/{aurora.equipment['PUMP-07'].pk}/series")
    rows = {row["tag"]: row for row in answer.json()["results"]}
    assert rows["flow"]["latest"] is None
    assert rows["vibration"]["unit"] == "mm/s"
    assert (rows["vibration"]["latest"]["value"], rows["vibration"]["latest"]["quality"]) == (4.5, "good")


def readings_of(client, owner, query: str = "") -> dict:
    with owner.acting():
        series = Series.objects.get().pk
    return client.get(f"{API}/series/{series}/readings", QUERY_STRING=query)


def test_readings_come_oldest_first_within_span_and_limit(aurora, borealis):
    gateway(aurora).say(Lane.P2, *[reading(n, ago_s=600 - n) for n in range(20)], reading(99, ago_s=7200))
    opened(aurora, borealis, "view_telemetry")
    for client in (aurora.client(), borealis.client()):
        whole = readings_of(client, aurora).json()
        assert [row["value"] for row in whole["readings"]] == list(range(20)) and not whole["more"]
        part = readings_of(client, aurora, "limit=5").json()
        assert [row["value"] for row in part["readings"]] == list(range(5)) and part["more"]
        start = (datetime.now(UTC) - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert readings_of(client, aurora, f"from={start}&limit=1").json()["readings"][0]["value"] == 99


def test_pages_of_readings_that_share_their_time_give_each_exactly_once(aurora):
    at = datetime.now(UTC) - timedelta(minutes=5)
    same = [replace(reading(n), measured_at=at) for n in range(7)]
    edge, client = gateway(aurora), aurora.client()
    edge.say(Lane.P2, reading(-1, ago_s=900), *reversed(same), reading(50, ago_s=10), reading(51, ago_s=5))
    told, page = [], readings_of(client, aurora, "limit=3").json()
    while True:
        told += [row["value"] for row in page["readings"]]
        if page["next"] is None:
            break
        page = readings_of(client, aurora, f"limit=3&after={page['next']}").json()
    assert told == [-1, *range(7), 50, 51] and not page["more"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("after=2026-02-30T00:00:00.000000Z~1", "/after"),
        ("after=2026-02-03T00:00:00.000000~1", "/after"),
        ("limit=0", "/limit"),
        ("limit=10001", "/limit"),
        ("limit=many", "/limit"),
        ("from=yesterday", "/from"),
        ("to=9999-99-99", "/to"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "/from"),
    ],
)
def test_bad_span_is_refused_with_its_name(aurora, query, pointer):
    gateway(aurora).say(Lane.P2, reading())
    answer = readings_of(aurora.client(), aurora, query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
def test_time_at_the_edge_of_the_calendar_is_no_server_error(aurora, moment):
    gateway(aurora).say(Lane.P2, reading())
    for name in ("from", "to"):
        assert readings_of(aurora.client(), aurora, f"{name}={moment}").status_code in (200, 422)


def test_device_is_enrolled_with_a_credential_shown_once(aurora):
    client = aurora.client()
    made = client.post(f"{API}/devices", {"site": str(aurora.sites["north"].pk), "name": "North gateway"})
    assert made.status_code == 201
    device, secret = made.json()["credential"].split(".")
    edge = gateway(aurora)
    edge.device.pk, edge.secret = device, secret
    assert edge.post(edge.batch(Lane.P2, reading())).status_code == 200
    detail = client.get(f"{API}/devices/{device}")
    assert secret not in detail.content.decode()
    assert [(row["lane"], row["through"], row["stored"]) for row in detail.json()["streams"]] == [("p2", 1, 1)]
    assert len(client.get(f"{API}/devices").json()["results"]) == 2


@pytest.mark.parametrize("body", [{}, {"site": "x", "name": "g"}, {"site": None, "name": "g"}, {"name": "g" * 101}, []])
def test_bad_enrolment_is_refused_and_makes_no_device(aurora, body):
    client = aurora.client()
    answer = client.post(f"{API}/devices", body)
    assert answer.status_code == 422, answer.content
    assert client.get(f"{API}/devices").json()["results"] == []


def test_capability_of_the_key_is_needed_for_every_route(aurora):
    gateway(aurora).say(Lane.P0, raised())
    alarm = the_alarm(aurora).pk
    client = aurora.client(scopes=["view_registry"])
    for path in (f"alarms/{alarm}", "alarms", "devices", f"equipment/{aurora.equipment['PUMP-07'].pk}/series"):
        assert client.get(f"{API}/{path}").status_code == 403
    assert client.post(f"{API}/alarms/{alarm}/acknowledge").status_code == 403
