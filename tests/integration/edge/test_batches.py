"""Batches over HTTP: good ones are acknowledged, bad ones answered with what, where and what to do; never a 500."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from edge_bridge.models import Alarm, Device, Quarantine, Reading, Watermark
from edge_bridge.protocol import MAX_MESSAGE_BYTES, MAX_SEQ, Gap, GapReason, Lane, Problem, encode, problem_from_http
from tenants.actions import register_equipment, register_site
from tests.integration.edge.scenes import BATCHES, gateway, raised, reading


def plain(batch) -> dict:
    return json.loads(encode(batch))


def test_acknowledgement_names_the_stream_and_how_far_it_is_stored(aurora):
    edge = gateway(aurora)
    batch = edge.batch(Lane.P2, reading(ago_s=1), reading())
    answer = edge.post(batch)
    assert answer.status_code == 200
    assert answer.json() == {
        "v": 1,
        "type": "ack",
        "edge": "north-gateway",
        "boot": str(edge.boot),
        "lane": "p2",
        "through": 2,
        "commands": [],
    }
    assert edge.post(batch).json() == answer.json()
    with aurora.acting():
        assert Reading.objects.count() == 2
        assert Device.objects.get(pk=edge.device.pk).last_seen_at is not None


def test_hole_is_answered_409_with_the_expected_number(aurora):
    edge = gateway(aurora)
    edge.next_seq[Lane.P0] = 4
    answer = edge.post(edge.batch(Lane.P0, raised()))
    assert (answer.status_code, answer.json()["expected_seq"]) == (409, 1)
    assert answer["content-type"] == "application/problem+json"


def broken(change):
    """A batch of two readings as bytes, after `change` of its JSON object."""

    def make(edge) -> bytes:
        body = plain(edge.batch(Lane.P2, reading(ago_s=1), reading()))
        return change(body) or json.dumps(body).encode()

    return make


def entry(**changes):
    return broken(lambda body: body["entries"][1].update(changes))


def top(**changes):
    return broken(lambda body: body.update(changes))


BAD = {
    "malformed": (broken(lambda body: b'{"v": 1,'), 400, None),
    "not UTF-8": (broken(lambda body: b"\xff\xfe"), 400, None),
    "empty": (broken(lambda body: b" "), 400, None),
    "a list": (broken(lambda body: b"[]"), 400, None),
    "nested too deeply": (broken(lambda body: b"[" * 100_000), 400, None),
    "too many digits": (broken(lambda body: b'{"v": ' + b"9" * 10_000 + b"}"), 400, None),
    "a key twice": (broken(lambda body: b'{"v": 1, "v": 1}'), 400, None),
    "NaN": (broken(lambda body: encode_nan(body)), 400, None),
    "oversize": (broken(lambda body: b" " * (MAX_MESSAGE_BYTES + 1)), 413, None),
    "another version": (top(v=2), 422, "/v"),
    "no batch": (broken(lambda body: b'{"v":1,"type":"taken","n":1}'), 422, "/type"),
    "unknown type": (top(type="poem"), 422, "/type"),
    "boot that is no UUID": (top(boot="first"), 422, "/boot"),
    "no entries": (top(entries=[]), 422, "/entries"),
    "too many entries": (broken(lambda body: body.update(entries=body["entries"][:1] * 5001)), 422, "/entries"),
    "number out of order": (entry(seq=7), 422, "/entries/1/seq"),
    "number too large": (entry(seq=2**63), 422, "/entries/1/seq"),
    "value as text": (entry(value="high"), 422, "/entries/1/value"),
    "value too large": (entry(value=10**400), 422, "/entries/1/value"),
    "value missing": (broken(lambda body: body["entries"][1].pop("value") and None), 422, "/entries/1/value"),
    "unknown field": (entry(colour="red"), 422, "/entries/1/'colour'"),
    "time without zone": (entry(measured_at="2026-03-01T06:00:00.000000"), 422, "/entries/1/measured_at"),
    "name with NUL": (entry(tag="CH4\x00"), 422, "/entries/1/tag"),
    "lone surrogate": (entry(tag="\ud800"), 422, "/entries/1/tag"),
    "name too long": (entry(equipment="E" * 65), 422, "/entries/1/equipment"),
    "kind of another lane": (entry(kind="heartbeat"), 422, "/entries/1/at"),
    "entry that is no object": (broken(lambda body: body["entries"].append(5)), 422, "/entries/2"),
}


def encode_nan(body: dict) -> bytes:
    body["entries"][0]["value"] = float("nan")
    return json.dumps(body).encode()


@pytest.mark.parametrize("name", BAD)
def test_bad_batch_is_refused_with_a_pointer_and_stores_nothing(aurora, name):
    make, status, pointer = BAD[name]
    edge = gateway(aurora)
    answer = edge.post(make(edge))
    body = answer.json()
    assert (answer.status_code, body["status"]) == (status, status), body
    assert body["title"] and body["detail"]
    assert [error["pointer"] for error in body.get("errors", [])] == ([pointer] if pointer else [])
    assert isinstance(problem_from_http(status, answer.content), Problem)
    with aurora.acting():
        assert not Watermark.objects.exists() and not Reading.objects.exists() and not Quarantine.objects.exists()


def test_refusal_names_the_entry_so_that_the_gateway_can_set_it_aside(aurora):
    edge = gateway(aurora)
    answer = edge.post(entry(value="high")(edge))
    assert problem_from_http(422, answer.content).seq == 2


def test_extreme_but_lawful_values_are_taken(aurora):
    edge = gateway(aurora)
    body = plain(edge.batch(Lane.P2, *[reading(value) for value in (1.7e308, -5e-324, -0.0)]))
    body["entries"][1]["measured_at"] = "0001-01-01T00:00:00Z"
    body["entries"][2]["measured_at"] = "1999-12-31T23:59:59.999999+14:00"
    assert edge.post(json.dumps(body).encode()).json()["through"] == 3
    alarm = plain(edge.batch(Lane.P0, raised()))
    alarm["entries"][0]["occurred_at"] = "9999-12-31T23:59:59Z"
    assert edge.post(json.dumps(alarm).encode()).json()["through"] == 1
    with aurora.acting():
        assert Reading.objects.count() == 3 and Alarm.objects.count() == 1


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Device",
        "Device ",
        "Device x.y",
        "Device {id}.cmd_unknown",
        "Device {other}.{secret}",
        "Device {secret}",
        "Api-Key {secret}",
        "Bearer {secret}",
        "Device {id}.{secret}é",
    ],
)
def test_wrong_credential_is_answered_401(aurora, header):
    edge = gateway(aurora)
    made = header.format(id=edge.device.pk, secret=edge.secret, other=uuid4())
    answer = edge.post(edge.batch(Lane.P2, reading()), HTTP_AUTHORIZATION=made)
    assert answer.status_code == 401, answer.content
    with aurora.acting():
        assert not Reading.objects.exists()


def test_revoked_device_is_answered_401_and_its_readings_stay(aurora):
    edge = gateway(aurora)
    edge.post(edge.batch(Lane.P2, reading(ago_s=1)))
    answer = aurora.client().post(f"/api/v1/devices/{edge.device.pk}/revoke")
    assert answer.status_code == 200 and answer.json()["revoked_at"]
    assert edge.post(edge.batch(Lane.P2, reading())).status_code == 401
    with aurora.acting():
        assert Reading.objects.count() == 1


def test_person_with_a_key_can_not_send_and_a_device_can_not_read(aurora):
    edge = gateway(aurora)
    batch = encode(edge.batch(Lane.P2, reading()))
    assert aurora.client().post(BATCHES, batch, content_type="application/json").status_code == 401
    device = APIClient()
    device.credentials(HTTP_AUTHORIZATION=edge.authorization)
    assert device.get("/api/v1/alarms").status_code == 401


def test_two_organisations_do_not_meet_though_they_use_the_same_codes(aurora, cassia):
    with cassia.acting():
        cassia.sites["north"] = register_site(code="north", name="Cassia North", kind="mine")
        register_equipment(site=cassia.sites["north"], code="GAS-T0-01", name="Other", kind="gas_sensor")
    ours, theirs = gateway(aurora), gateway(cassia)
    theirs.boot = ours.boot
    for edge in (ours, theirs):
        assert edge.post(edge.batch(Lane.P0, raised())).status_code == 200
    for party in (aurora, cassia):
        with party.acting():
            assert Alarm.objects.get().equipment.tenant_id == party.id


def test_time_far_ahead_is_set_aside_for_readings_but_never_for_alarms(aurora):
    edge = gateway(aurora)
    body = plain(edge.batch(Lane.P2, reading()))
    body["entries"][0]["measured_at"] = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    assert edge.post(json.dumps(body).encode()).json()["through"] == 1
    with aurora.acting():
        assert Quarantine.objects.count() == 1 and not Reading.objects.exists()


def test_counts_beyond_what_can_be_stored_are_refused_and_store_nothing(aurora):
    edge = gateway(aurora)
    now = datetime.now(UTC)
    gaps = [Gap(seq, GapReason.LOST, MAX_SEQ, now, now) for seq in (1, 2)]
    assert edge.post(edge.batch(Lane.P2, *gaps)).status_code == 422
    with aurora.acting():
        assert not Watermark.objects.exists()
