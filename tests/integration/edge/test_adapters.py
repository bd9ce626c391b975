"""Messages in other tongues over HTTP: stored once however often they come, refused whole, checked without a trace."""

import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from rest_framework.test import APIClient

from edge_bridge.adapters.elements import NAMESPACE
from edge_bridge.alarms.dead_man import silent
from edge_bridge.models import Latest, Quarantine, Reading, Series, Watermark
from edge_bridge.protocol import MAX_MESSAGE_BYTES, Birth, Lane, Tag
from tenants.actions import register_equipment, register_site
from tests.database import ROOT
from tests.integration.edge.scenes import Gateway, gateway, reading, set_aside
from tests.personas import Organisation
from tests.together import at_once

ADAPTERS = "/api/v1/edge/adapters"
CONFORMANCE = "/api/v1/edge/conformance"
FLEET = "/api/v1/fleet/iso15143"


def now_s() -> int:
    return int(datetime.now(UTC).timestamp())


def pack(*values: float, code: str = "GAS-T0-01", at_s: int | None = None, unit: str = "%") -> list[dict]:
    """SenML: a value a second, from `at_s` back."""
    head = {"bn": f"{code}:", "bt": at_s or now_s(), "bu": unit}
    records = [{"n": "ch4", "t": -index, "v": value} for index, value in enumerate(values)]
    return [head | records[0], *records[1:]]


def post(edge: Gateway, path: str, body: object, content_type: str = "application/json"):  # type: ignore[no-untyped-def]
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return APIClient().generic("POST", path, raw, content_type=content_type, HTTP_AUTHORIZATION=edge.authorization)


def told(answer) -> tuple[int, int, int]:  # type: ignore[no-untyped-def]
    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert said["readings"] == said["stored"] + said["known"] + said["set_aside"]
    return said["stored"], said["known"], said["set_aside"]


def stored(owner: Organisation) -> list[tuple[str, float]]:
    with owner.acting():
        rows = Reading.objects.select_related("series").filter(tenant=owner.id).order_by("measured_at")
        return [(row.series.tag, row.value) for row in rows]


def test_pack_is_stored_once_and_what_overlaps_adds_what_is_new(aurora):
    edge, at_s = gateway(aurora), now_s()
    assert told(post(edge, f"{ADAPTERS}/senml", pack(0.3, 0.2, at_s=at_s))) == (2, 0, 0)
    as_curl_says_it = "application/x-www-form-urlencoded"
    assert told(post(edge, f"{ADAPTERS}/senml", pack(0.3, 0.2, at_s=at_s), as_curl_says_it)) == (0, 2, 0)
    assert told(post(edge, f"{ADAPTERS}/senml", pack(0.4, 0.3, 0.2, at_s=at_s + 1))) == (1, 2, 0)
    assert stored(aurora) == [("ch4", 0.2), ("ch4", 0.3), ("ch4", 0.4)]
    with aurora.acting():
        assert Series.objects.get().unit == "%" and Latest.objects.get().value == 0.4
        streams = Watermark.objects.filter(device=edge.device).order_by("lane")
        assert [(row.edge, row.lane, row.through, row.stored) for row in streams] == [
            ("senml", "p1", 1, 1),
            ("senml", "p2", 3, 3),
        ]


def test_same_pack_by_two_at_once_is_stored_once(aurora):
    edge, body = gateway(aurora), pack(0.3, 0.2)
    answers = at_once(*[partial(post, edge, f"{ADAPTERS}/senml", body)] * 4)
    assert sorted(map(told, answers)) == [(0, 2, 0)] * 3 + [(2, 0, 0)]
    assert len(stored(aurora)) == 2


def test_value_comes_into_the_unit_that_the_series_has(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P1, Birth(datetime.now(UTC), (Tag("GAS-T0-01", "ch4", "%"),)))
    told(post(edge, f"{ADAPTERS}/senml", pack(0.004, unit="/")))
    assert stored(aurora) == [("ch4", pytest.approx(0.4))]
    answer = post(edge, f"{ADAPTERS}/senml", pack(20.0, unit="Cel"))
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/0"
    assert len(stored(aurora)) == 1


def test_value_is_not_converted_again_for_what_a_gateway_names(aurora):
    edge = gateway(aurora)
    for unit in ("%", "[ppm]"):
        edge.say(Lane.P1, Birth(datetime.now(UTC) - timedelta(minutes=1), (Tag("GAS-T0-01", "ch4", unit),)))
    told(post(edge, f"{ADAPTERS}/senml", pack(5000.0, unit="ppm")))
    assert stored(aurora) == [("ch4", pytest.approx(0.5))]


def test_unknown_machine_is_set_aside_once_and_taken_when_it_is_registered(aurora):
    edge, body = gateway(aurora), pack(0.3, code="GAS-NEW")
    assert told(post(edge, f"{ADAPTERS}/senml", body)) == (0, 0, 1)
    assert told(post(edge, f"{ADAPTERS}/senml", body)) == (0, 1, 0)
    assert len(set_aside(aurora)) == 1
    with aurora.acting():
        register_equipment(site=aurora.sites["north"], code="GAS-NEW", name="New sensor", kind="gas_sensor")
    assert told(post(edge, f"{ADAPTERS}/senml", body)) == (1, 0, 0)


def test_reading_far_ahead_is_set_aside_once(aurora):
    edge, body = gateway(aurora), pack(0.3, at_s=now_s() + 3 * 86_400)
    answer = post(edge, f"{ADAPTERS}/senml", body)
    assert told(answer) == (0, 0, 1) and "ahead" in answer.json()["findings"][0]["message"]
    assert told(post(edge, f"{ADAPTERS}/senml", body)) == (0, 1, 0)


def test_message_with_a_fault_is_refused_whole_with_a_pointer_to_each(aurora):
    edge = gateway(aurora)
    body = [*pack(0.3), {"n": "ch4", "u": "furlong", "v": 1}, {"n": "ch4", "v": "x"}]
    answer = post(edge, f"{ADAPTERS}/senml", body)
    assert answer.status_code == 422 and answer["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/1", "/2/v"]
    assert "RFC 8428 §12.1" in answer.json()["errors"][0]["message"]
    assert stored(aurora) == []
    with aurora.acting():
        assert not Watermark.objects.filter(device=edge.device).exists()


BODIES = [b"", b"\xff", b"[" * 50_000, b"<a>", b"null", b"[]", b"{}", b'"\\ud800"', b"[1e400]"]


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_no_body_is_a_mistake_of_ours(aurora, content_type):
    edge = gateway(aurora)
    for tongue in ("senml", "iso15143", "sparkplug", "open-autonomy"):
        for body in BODIES:
            assert post(edge, f"{ADAPTERS}/{tongue}", body, content_type).status_code in (200, 422)
            answer = post(edge, f"{CONFORMANCE}?protocol={tongue}", body, content_type)
            assert answer.status_code == 200
    assert stored(aurora) == []


def test_example_of_the_page_is_stored(aurora):
    page = (ROOT / "docs" / "how-to" / "speak-other-protocols.md").read_text()
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert told(post(gateway(aurora), f"{ADAPTERS}/senml", example.encode())) == (2, 0, 0)


def test_large_body_and_foreign_credentials_are_refused(aurora, cassia):
    edge = gateway(aurora)
    assert post(edge, f"{ADAPTERS}/senml", b" " * (MAX_MESSAGE_BYTES + 1)).status_code == 413
    for path in (f"{ADAPTERS}/senml", CONFORMANCE):
        assert APIClient().post(path, pack(1.0)).status_code == 401
        assert aurora.client().post(path, pack(1.0)).status_code == 401
    with cassia.acting():
        cassia.sites["north"] = register_site(code="north", name="Mine North", kind="mine")
    theirs = gateway(cassia)
    assert told(post(theirs, f"{ADAPTERS}/senml", pack(0.3))) == (0, 0, 1)
    assert stored(aurora) == []


def test_only_who_speaks_as_a_gateway_is_watched_for_silence(aurora):
    edge, tomorrow = gateway(aurora), datetime.now(UTC) + timedelta(days=1)
    told(post(edge, f"{ADAPTERS}/senml", pack(0.3)))
    with aurora.acting():
        assert not silent(tomorrow).filter(pk=edge.device.pk).exists()
    edge.say(Lane.P2, reading())
    with aurora.acting():
        assert silent(tomorrow).filter(pk=edge.device.pk).exists()
        Watermark.objects.filter(edge=edge.edge).update(updated_at=datetime.now(UTC) - timedelta(hours=1))
    told(post(edge, f"{ADAPTERS}/senml", pack(0.4)))
    with aurora.acting():
        assert silent(datetime.now(UTC)).filter(pk=edge.device.pk).exists(), "another tongue is no word of the gateway"


def test_machine_is_named_by_its_id_in_open_autonomy(aurora):
    edge = gateway(aurora)
    truck = aurora.equipment["PUMP-07"]
    at = datetime.now(UTC).isoformat()
    message = {"Protocol": "Open-Autonomy", "Version": 1, "Timestamp": at, "EquipmentId": str(truck.pk)}
    answer = post(edge, f"{ADAPTERS}/open-autonomy", message | {"HaulTruckPayloadV1": {"PayloadWeight": "65"}})
    assert told(answer) == (1, 0, 0)
    with aurora.acting():
        assert Series.objects.get(tag="payload").equipment_id == truck.pk


def test_sparkplug_birth_and_data_are_stored_in_their_unit(aurora):
    edge, at_ms = gateway(aurora), now_s() * 1000
    power = {"name": "power", "alias": 7, "dataType": "Float", "value": 3.5, "properties": {"engUnit": {"value": "kW"}}}
    topic = "spBv1.0/north/{}/edge-1/FAN-01"
    body = [
        {"topic": topic.format("DBIRTH"), "payload": {"timestamp": at_ms - 1000, "seq": 1, "metrics": [power]}},
        {
            "topic": topic.format("DDATA"),
            "payload": {"timestamp": at_ms, "seq": 2, "metrics": [{"alias": 7, "value": 4}]},
        },
    ]
    assert told(post(edge, f"{ADAPTERS}/sparkplug", body)) == (2, 0, 0)
    assert stored(aurora) == [("power", 3.5), ("power", 4.0)]
    with aurora.acting():
        assert Series.objects.get().unit == "kW"


def fleet(owner: Organisation, accept: str = "application/json", page: str = ""):  # type: ignore[no-untyped-def]
    return owner.client().get(f"{FLEET}{page}", HTTP_ACCEPT=accept)


def test_fleet_comes_back_in_as_it_went_out(aurora, cassia):
    edge = gateway(aurora)
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    xml = f"""<Fleet xmlns="{NAMESPACE}"><Equipment><EquipmentHeader><EquipmentID>FAN-01</EquipmentID></EquipmentHeader>
    <CumulativeOperatingHours datetime="{at}"><Hour>233.7</Hour></CumulativeOperatingHours></Equipment></Fleet>"""
    assert told(post(edge, f"{ADAPTERS}/iso15143", xml.encode(), "application/xml")) == (1, 0, 0)
    plain = fleet(aurora).json()
    machines = {row["EquipmentHeader"]["EquipmentID"]: row for row in plain["Equipment"]}
    assert set(machines) == set(aurora.equipment)
    assert machines["FAN-01"]["CumulativeOperatingHours"]["Hour"] == 233.7
    in_xml = fleet(aurora, "application/xml")
    assert in_xml["content-type"].startswith("application/xml")
    for body in (plain, in_xml.content):
        assert told(post(edge, f"{ADAPTERS}/iso15143", body)) == (0, 1, 0)
    assert fleet(cassia).json()["Equipment"] == []


def test_pages_of_the_fleet_are_linked(aurora, monkeypatch):
    monkeypatch.setattr("edge_bridge.adapters.views.MACHINES_A_PAGE", 1)
    seen, page = [], f"{FLEET}?page=1"
    while page:
        shown = aurora.client().get(page).json()
        seen += [row["EquipmentHeader"]["EquipmentID"] for row in shown["Equipment"]]
        links = {link["rel"]: link["href"] for link in shown["Links"]}
        page = links.get("next")
    assert seen == sorted(aurora.equipment) and "prev" in links and links["self"] == links["last"]
    assert fleet(aurora, page="?page=0").status_code == 422
    beyond = fleet(aurora, "application/xml", "?page=0")
    assert beyond.status_code == 422 and beyond.json()["errors"][0]["pointer"] == "/page"


def test_conformance_says_what_is_wrong_and_keeps_nothing(aurora):
    edge = gateway(aurora)
    body = [*pack(0.3, code="NOWHERE"), {"n": "ch4", "u": "furlong", "v": 1}, {"n": "methane", "v": 1}]
    said = post(edge, f"{CONFORMANCE}?protocol=senml", body).json()
    assert (said["conforms"], said["readings"], said["errors"], said["warnings"]) == (False, 2, 1, 2)
    found = [(each["pointer"], each["weight"], each["clause"]) for each in said["findings"]]
    assert found == [
        ("/1", "error", "RFC 8428 §12.1"),
        ("/0", "warning", ""),
        ("/2", "warning", "tag dictionary"),
    ]
    ours = post(edge, CONFORMANCE, b'{"v": 1, "type": "batch"}').json()
    assert ours["protocol"] == "batch" and [found["pointer"] for found in ours["findings"]] == ["/edge"]
    assert post(edge, f"{CONFORMANCE}?protocol=morse", b"[]").status_code == 422
    with aurora.acting():
        assert not Watermark.objects.filter(device=edge.device).exists()
        assert not Quarantine.objects.filter(tenant=aurora.id).exists()
