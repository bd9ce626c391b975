"""What the gateway is described to speak is what it speaks: every message fits, also those of a real run."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given
from websockets.sync.client import connect

from edge_bridge.gateway.asyncapi import FROM, FROM_CLOUD, TO, document
from edge_bridge.gateway.mqtt.topics import FROM_TERMINAL, TO_TERMINAL
from edge_bridge.protocol import Ack, Lane, Message, Problem, Tag, TerminalBirth, decode, encode, schemas
from tests.unit.edge.cloud import Cloud, serving, wait_until
from tests.unit.edge.processes import ROOT, Gateway, Terminal
from tests.unit.edge.test_protocol import messages

DOCUMENT = document()
OF_TYPE = {name: jsonschema_rs.validator_for(of, validate_formats=True) for name, of in schemas().items()}


def faults(data: bytes | str) -> list[str]:
    said = json.loads(data)
    return [
        f"{said['type']} {error.instance_path} {error.message}" for error in OF_TYPE[said["type"]].iter_errors(said)
    ]


@given(messages)
def test_every_message_fits_its_schema(message: Message) -> None:
    data = encode(message)
    assert faults(data) == []
    said = json.loads(data)
    assert faults(json.dumps(said | {"tenant": "x"}))
    assert faults(json.dumps(said | {"v": 2}))


def test_lane_takes_its_own_kinds_only() -> None:
    batch = {"v": 1, "type": "batch", "edge": "north", "boot": "6f2c0c1e-7a55-4b0e-9f3e-0c8f3d1c2b4a"}
    batch |= {"sent_at": "2026-03-01T06:00:00Z", "entries": [{"seq": 1, "kind": "death", "at": "2026-03-01T06:00:00Z"}]}
    batch["entries"][0]["reason"] = "stopped"  # type: ignore[index]
    assert [bool(faults(json.dumps(batch | {"lane": lane}))) for lane in Lane] == [True, False, True]


def test_document_is_whole() -> None:
    """No reference leads nowhere, no message is without an operation, every topic is there, schemas are schemas."""
    for pointer in set(re.findall(r"'\$ref': '#/([^']+)'", str(DOCUMENT))):
        place = DOCUMENT
        for part in pointer.split("/"):
            place = place[part]
    used = {each["$ref"].rsplit("/", 1)[1] for one in DOCUMENT["operations"].values() for each in one["messages"]}
    assert used == DOCUMENT["components"]["messages"].keys() == {*FROM, *TO, *FROM_CLOUD, "batch", "death"}
    topics = {one["address"].split("{terminal}/")[1] for one in DOCUMENT["channels"].values() if "{" in one["address"]}
    assert topics == {*FROM_TERMINAL, *TO_TERMINAL}
    for one in DOCUMENT["components"]["messages"].values():
        jsonschema_rs.meta.validate(one["payload"])
    assert schemas().keys() - used == {"rule_set"}  # which is asked for over HTTP


def test_document_is_printed() -> None:
    command = [sys.executable, "-m", "edge_bridge.gateway", "asyncapi"]
    assert json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout) == DOCUMENT


class Recorder(Cloud):
    """Keeps what it hears and says."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[bytes] = []

    def answer(self, data: bytes) -> Ack | Problem:
        said = super().answer(data)
        self.frames += [data, encode(said)]
        return said


@pytest.fixture
def cloud() -> Recorder:
    return Recorder()


@pytest.fixture
def gateway(tmp_path: Path, cloud: Recorder) -> Iterator[Gateway]:
    with serving(cloud) as port:
        gateway = Gateway(tmp_path, port, uplink="websocket")
        gateway.start()
        yield gateway
        gateway.kill()


def test_what_a_real_gateway_says_and_hears_fits(gateway: Gateway, cloud: Recorder) -> None:
    terminal = Terminal(gateway)
    terminal.n += 1
    birth = TerminalBirth("probe", terminal.session, 1, (Tag("GAS-1", "ch4", "%"), Tag("GAS-1", "co", "[ppm]")))
    said = [encode(frame) for frame in (birth, terminal.frame("ch4", [0.5, 1.3]), terminal.frame("co", [5, 5.1]))]
    with connect(gateway.url, compression=None, proxy=None) as connection:
        for frame in [*said, b"{}"]:
            connection.send(frame.decode())
            said.append(bytes(connection.recv(10, decode=False)))
    wait_until(lambda: bool(cloud.alarms()) and cloud.assert_counts_balance() > 0)
    assert gateway.stop() == 0
    assert [fault for frame in [*said, *cloud.frames] for fault in faults(frame)] == []
    kinds = {entry["kind"] for frame in cloud.frames for entry in json.loads(frame).get("entries", ())}
    assert kinds == {"alarm", "birth", "heartbeat", "death", "reading", "gap"}
    assert {type(decode(frame)).__name__ for frame in said} == {"TerminalBirth", "TerminalReadings", "Taken", "Refused"}
