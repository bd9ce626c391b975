"""Batches over the edge's websocket, against a real server."""

import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from edge_bridge.models import Alarm, Reading
from edge_bridge.protocol import Ack, Lane, Problem, decode, encode
from tests.integration.edge.scenes import Gateway, gateway, raised, reading
from tests.live import LiveWeb
from tests.ports import free_port


def socket(web, authorization: str) -> ClientConnection:
    return connect(f"{web.ws_url}/ws/v1/edge", additional_headers={"Authorization": authorization}, proxy=None)


def answer(open_socket: ClientConnection, frame: bytes) -> Ack | Problem:
    open_socket.send(frame.decode())
    said = decode(open_socket.recv(10))
    assert isinstance(said, Ack | Problem)
    return said


def test_each_frame_is_acknowledged_and_a_bad_one_ends_nothing(aurora, live_web):
    edge = gateway(aurora)
    with socket(live_web, edge.authorization) as open_socket:
        assert answer(open_socket, encode(edge.batch(Lane.P2, reading(ago_s=1)))) == ack(edge, Lane.P2, 1)
        refused = answer(open_socket, bad(edge))
        assert (refused.status, refused.seq) == (422, 2) and "entries[0].value" in refused.detail
        assert answer(open_socket, b"nonsense").status == 400
        assert answer(open_socket, encode(edge.batch(Lane.P0, raised()))) == ack(edge, Lane.P0, 1)
        hole = answer(open_socket, encode(edge.batch(Lane.P2, reading())))
        assert (hole.status, hole.expected_seq) == (409, 2)
        edge.next_seq[Lane.P2] = 2
        assert answer(open_socket, encode(edge.batch(Lane.P2, reading()))) == ack(edge, Lane.P2, 2)
    with aurora.acting():
        assert Reading.objects.count() == 2 and Alarm.objects.count() == 1


def ack(edge: Gateway, lane: Lane, through: int) -> Ack:
    return Ack("north-gateway", edge.boot, lane, through)


def bad(edge: Gateway) -> bytes:
    body = json.loads(encode(edge.batch(Lane.P2, reading())))
    body["entries"][0]["value"] = "high"
    return json.dumps(body).encode()


@pytest.mark.parametrize("header", ["", "Device x.y", "Device {id}.cmd_wrong", "Api-Key cmk_no"])
def test_unknown_credential_gets_no_socket(aurora, live_web, header):
    edge = gateway(aurora)
    with pytest.raises(InvalidStatus) as refused:
        socket(live_web, header.format(id=edge.device.pk))
    assert refused.value.response.status_code == 403


def test_revoked_device_is_refused_with_its_next_frame_and_shut_out(aurora, live_web):
    edge = gateway(aurora)
    with socket(live_web, edge.authorization) as open_socket:
        answer(open_socket, encode(edge.batch(Lane.P2, reading(ago_s=1))))
        assert aurora.client().post(f"/api/v1/devices/{edge.device.pk}/revoke").status_code == 200
        refused = answer(open_socket, encode(edge.batch(Lane.P2, reading())))
        assert isinstance(refused, Problem) and refused.status == 401
        with pytest.raises(ConnectionClosed) as closed:
            open_socket.recv(5)
        assert closed.value.rcvd.code == 4401
    with pytest.raises(InvalidStatus):
        socket(live_web, edge.authorization)
    with aurora.acting():
        assert Reading.objects.count() == 1


def test_gateway_delivers_over_its_socket_while_valkey_is_away(aurora):
    edge = gateway(aurora)
    with (
        LiveWeb({"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}) as web,
        socket(web, edge.authorization) as open_socket,
    ):
        assert answer(open_socket, encode(edge.batch(Lane.P0, raised()))) == ack(edge, Lane.P0, 1)
