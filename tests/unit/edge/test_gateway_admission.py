"""Terminals that are known: each by its own token and for its own machines, over TLS; who trespasses is told of."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import aiomqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidMessage, InvalidStatus

from edge_bridge.gateway.admission import Admission, Speaker, Terminal, sha256_of
from edge_bridge.gateway.journal import Journal
from edge_bridge.gateway.trespass import MOST_DEEDS, OTHERS, OVER_AFTER, TELL_EVERY, Trespasses
from edge_bridge.protocol import (
    Command,
    CommandState,
    CommandStep,
    Lane,
    Message,
    Quality,
    Refused,
    Tag,
    Taken,
    TerminalBirth,
    TerminalCommand,
    TerminalCommandResult,
    TerminalReading,
    TerminalReadings,
    Trespass,
    decode,
    encode,
)
from terminal_sim.__main__ import main
from terminal_sim.websocket import WebSocketGateway
from tests.unit.edge.cloud import Cloud, serving, wait_until
from tests.unit.edge.processes import ROOT, SETTINGS, Gateway

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
GAS, FAN = "token of gas", "token of fan"
KNOWN = [
    Terminal("gas", sha256_of(GAS), frozenset({"GAS-1"})),
    Terminal("fan", sha256_of(FAN), frozenset({"FAN-1"}), frozenset({("GAS-1", "calibration")})),
]
LISTED = f"""
mqtt_port = 0
tls_certificate = "CERTIFICATE"
tls_key = "KEY"
[[terminals]]
name = "gas"
token_sha256 = "{sha256_of(GAS)}"
machines = ["GAS-1"]
[[terminals]]
name = "fan"
token_sha256 = "{sha256_of(FAN)}"
machines = ["FAN-1"]
tags = {{ "GAS-1" = ["calibration"] }}
"""


def readings(terminal: str, equipment: str, *tags: str, n: int = 1, session: UUID | None = None) -> TerminalReadings:
    said = tuple(TerminalReading(tag, 0.5, Quality.GOOD, datetime.now(UTC)) for tag in tags)
    return TerminalReadings(terminal, session or uuid4(), n, equipment, said)


# Who, and for what --------------------------------------------------------------------------------------------------


def test_token_names_its_terminal_and_no_other() -> None:
    known = Admission("", KNOWN)
    assert known.by_token(GAS) == known.by_name("gas", GAS)
    assert known.by_token("") is known.by_token("guessed") is known.by_name("gas", FAN) is None
    assert known.by_name("cassia", GAS) is None


def test_without_a_list_one_token_admits_all_of_them() -> None:
    shared = Admission("borealis", [])
    assert shared.by_token("borealis") == Speaker()
    assert shared.by_name("gas", "borealis") == Speaker("gas")
    assert shared.by_token("") is shared.by_name("gas", "cassia") is None
    assert Admission("", []).by_token("") == Speaker()


@pytest.mark.parametrize(
    ("frame", "place"),
    [
        (readings("fan", "FAN-1", "speed"), None),
        (readings("fan", "GAS-1", "calibration"), None),
        (readings("fan", "GAS-1", "calibration", "ch4"), "readings[1].tag"),
        (readings("gas", "GAS-1", "ch4"), "terminal"),
        (TerminalBirth("fan", uuid4(), 1, (Tag("FAN-1", "speed", "1/min"), Tag("GAS-1", "ch4", "%"))), "tags[1]"),
    ],
)
def test_terminal_speaks_for_its_own_machines_and_tags_only(frame: TerminalReadings, place: str | None) -> None:
    speaker = Admission("", KNOWN).by_token(FAN)
    assert speaker is not None
    refused = speaker.objection(frame)
    assert (refused and refused.path) == place


def test_broker_brings_in_whom_the_list_knows() -> None:
    known = Admission("", KNOWN)
    assert known.behind_broker("gas").objection(readings("gas", "GAS-1", "ch4")) is None
    assert known.behind_broker("cassia").objection(readings("cassia", "GAS-1", "ch4")) is not None
    assert Admission("", []).behind_broker("cassia").objection(readings("cassia", "GAS-1", "ch4")) is None


# Told to the cloud --------------------------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, "north", 10_000_000, 10_000_000)
    yield journal
    journal.close()


def told(journal: Journal) -> list[int]:
    bodies = [entry.body for entry in journal.next_entries(Lane.P1)]
    return [body.count for body in bodies if isinstance(body, Trespass)]


def test_trespass_is_told_at_once_then_seldom_and_when_it_is_over(journal: Journal) -> None:
    desk = Trespasses(journal)
    assert not desk.note({}, NOW)
    assert desk.note({("cassia", "GAS-1"): 2}, NOW)
    assert not desk.note({("cassia", "GAS-1"): 5}, NOW + TELL_EVERY / 2)
    assert desk.note({}, NOW + TELL_EVERY)
    assert not desk.note({}, NOW + TELL_EVERY * 2)
    assert desk.note({}, NOW + TELL_EVERY / 2 + OVER_AFTER + timedelta(seconds=1))
    assert told(journal) == [2, 7, 0]
    journal.acknowledge(Lane.P1, 3)
    assert desk.note({("cassia", "GAS-1"): 1}, NOW + 2 * OVER_AFTER)
    assert told(journal) == [1]


def test_trespass_is_over_though_the_gateway_began_anew(journal: Journal) -> None:
    Trespasses(journal).note({("cassia", "GAS-1"): 3}, NOW)
    assert Trespasses(journal).note({}, NOW + OVER_AFTER + timedelta(seconds=1))
    assert told(journal) == [3, 0]


def test_many_trespassers_are_counted_together_in_words_that_fit(journal: Journal) -> None:
    desk = Trespasses(journal)
    desk.note({(f"cassia {n} ☢'", "GAS-1"): 1 for n in range(2 * MOST_DEEDS)}, NOW)
    (said,) = (entry.body for entry in journal.next_entries(Lane.P1))
    assert isinstance(said, Trespass)
    assert said.count == 2 * MOST_DEEDS
    assert said.detail.startswith(f"{OTHERS[0]!r} for {OTHERS[1]!r} ({MOST_DEEDS});")


# A gateway of its own, over TLS -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Self-signed, for this machine, with its key."""
    directory, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(hours=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    signed = builder.sign(key, hashes.SHA256())
    (directory / "certificate.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return directory / "certificate.pem", directory / "key.pem"


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def gateway(tmp_path: Path, cloud: Cloud, certificate: tuple[Path, Path]) -> Iterator[Gateway]:
    with serving(cloud) as port:
        gateway = Gateway(tmp_path, port, settings=SETTINGS + listed(*certificate))
        gateway.start()
        yield gateway
        gateway.kill()


def listed(certificate: Path, key: Path) -> str:
    return LISTED.replace("CERTIFICATE", str(certificate)).replace("KEY", str(key))


@dataclass
class Way:
    """A terminal's own, over either protocol."""

    name: str
    socket: ClientConnection | aiomqtt.Client

    async def say(self, message: Message) -> None:
        if isinstance(self.socket, ClientConnection):
            await self.socket.send(encode(message), text=True)
            return
        topic = {TerminalBirth: "birth", TerminalReadings: "readings"}.get(type(message), "command/result")
        await self.socket.publish(f"cloudmining/north/{self.name}/{topic}", encode(message), qos=1)

    async def hear(self, within_s: float = 10.0) -> Message:
        async with asyncio.timeout(within_s):
            if isinstance(self.socket, ClientConnection):
                return decode(await self.socket.recv())
            return decode((await anext(aiter(self.socket.messages))).payload)  # type: ignore[arg-type]


class Mine:
    """Where the terminals find the gateway, and the certificate that they trust."""

    def __init__(self, gateway: Gateway, certificate: Path) -> None:
        self.trust = ssl.create_default_context(cafile=str(certificate))
        files = {"ws": gateway.port_file, "mqtt": gateway.port_file.with_name("mqtt.port")}
        self.ports = {scheme: int(file.read_text()) for scheme, file in files.items()}

    def over_websocket(self, token: str) -> connect:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"wss://localhost:{self.ports['ws']}"
        return connect(url, ssl=self.trust, additional_headers=headers, proxy=None, compression=None)

    def over_mqtt(self, name: str, token: str) -> aiomqtt.Client:
        return aiomqtt.Client(
            "localhost",
            self.ports["mqtt"],
            identifier=name,
            username=name,
            password=token,
            tls_context=self.trust,
            protocol=aiomqtt.ProtocolVersion.V5,
        )

    @asynccontextmanager
    async def terminal(self, scheme: str, name: str, token: str) -> AsyncIterator[Way]:
        async with AsyncExitStack() as stack:
            if scheme == "ws":
                yield Way(name, await stack.enter_async_context(self.over_websocket(token)))
                return
            client = await stack.enter_async_context(self.over_mqtt(name, token))
            await client.subscribe("#", qos=1)
            yield Way(name, client)


async def speak_for_others(mine: Mine, cloud: Cloud, scheme: str) -> None:
    async with mine.terminal(scheme, "gas", GAS) as gas, mine.terminal(scheme, "fan", FAN) as fan:
        for way, frame in ((gas, readings("gas", "GAS-1", "ch4")), (fan, readings("fan", "GAS-1", "calibration"))):
            await way.say(frame)
            assert await way.hear() == Taken(1)
        for frame in (readings("fan", "GAS-1", "ch4"), readings("gas", "GAS-1", "ch4")):
            await fan.say(frame)
            assert isinstance(await fan.hear(), Refused)
        await be_commanded(gas, fan, cloud)


async def be_commanded(gas: Way, fan: Way, cloud: Cloud) -> None:
    await asyncio.to_thread(wait_until, lambda: bool(cloud.watermarks))
    boot, now = UUID(next(iter(cloud.watermarks))[1]), datetime.now(UTC)
    told = Command(uuid4(), "GAS-1", "zero", 0.0, now + timedelta(minutes=1), boot, now)
    cloud.commands = (told,)
    assert await gas.hear() == TerminalCommand(told.id, "GAS-1", "zero", 0.0)
    await fan.say(TerminalCommandResult(told.id, True, "cassia was here", 0.0))
    refused = await fan.hear()
    assert isinstance(refused, Refused) and refused.path == "id"
    await gas.say(TerminalCommandResult(told.id, True, "", 0.0))
    steps = lambda: [body for body in cloud.bodies(Lane.P0) if isinstance(body, CommandStep)]  # noqa: E731
    await asyncio.to_thread(wait_until, lambda: CommandState.DONE in [step.state for step in steps()])
    assert "cassia was here" not in [step.detail for step in steps()]


def test_known_terminals_keep_to_what_is_theirs(gateway: Gateway, cloud: Cloud, certificate: tuple[Path, Path]) -> None:
    mine = Mine(gateway, certificate[0])
    for scheme in ("ws", "mqtt"):
        asyncio.run(speak_for_others(mine, cloud, scheme))
        cloud.commands = ()
    wait_until(lambda: any(isinstance(body, Trespass) for body in cloud.bodies(Lane.P1)))
    told = next(body for body in cloud.bodies(Lane.P1) if isinstance(body, Trespass))
    assert told.count >= 1 and told.detail.startswith("'fan' for 'GAS-1' (")
    assert {reading.tag for reading in cloud.readings()} == {"ch4", "calibration"}
    asyncio.run(stay_outside(mine))


async def stay_outside(mine: Mine) -> None:
    """Without its own token, in plain text, as somebody else's audience, or as one who does not trust the gateway."""
    with pytest.raises(InvalidStatus, match="401"):
        async with mine.over_websocket("guessed"):
            pass
    for name, token in (("gas", "guessed"), ("gas", FAN), ("cassia", GAS)):
        with pytest.raises(aiomqtt.MqttError):
            async with mine.over_mqtt(name, token):
                pass
    async with mine.over_mqtt("fan", FAN) as fan:
        (granted,) = await fan.subscribe("cloudmining/north/gas/command", qos=1)
        assert int(str(granted.value)) == 0x87
    with pytest.raises((InvalidMessage, OSError)):
        await connect(f"ws://localhost:{mine.ports['ws']}", proxy=None)
    with pytest.raises(ssl.SSLCertVerificationError):
        await connect(f"wss://localhost:{mine.ports['ws']}", proxy=None)


def test_simulated_terminals_have_a_connection_each_with_their_own_tokens() -> None:
    assert WebSocketGateway("ws://mine").is_shared
    assert not WebSocketGateway("ws://mine", tokens={"gas": GAS}).is_shared


def test_tokens_that_cannot_be_read_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    playing = ["run", str(ROOT / "terminal_sim/scenarios/demo.toml"), "--gateway", "ws://127.0.0.1:1"]
    monkeypatch.setenv("TERMINAL_TOKENS", str(tmp_path / "tokens.toml"))
    for text, words in ((None, "No such file"), ("gas = ", "Invalid value"), ("gas = 7", "must have lines such as")):
        if text:
            (tmp_path / "tokens.toml").write_text(text)
        assert main(playing) == 2
        assert words in capsys.readouterr().err


def test_certificate_without_its_key_is_refused(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    (tmp_path / "key.pem").write_text("no key")
    gateway = Gateway(tmp_path, 1, settings=SETTINGS + listed(certificate[0], tmp_path / "key.pem"))
    status, words = gateway.run_beside()
    assert status == 2
    assert words.splitlines()[-1].startswith("gateway: tls_certificate, tls_key: they do not serve together")
