"""From the commit that withdraws a right to the last frame on a thousand open sockets, while alarms flow.

    python -m bench.revoke [--sockets 1000] [--rounds 5] [--every-ms 200]

Needs the environment of a test cluster (`DATABASE_ADMIN_URL` and its siblings); makes a database of its own and drops
it; loopback only. Aurora's alarms are open to Borealis by an agreement, which is suspended in each round and resumed
after it. Measured with the doorbell, without it (no Valkey: the web process only polls), and beside them the classic
Channels way: `group_send` to whoever was let in once, with nobody who asks again.
"""

import argparse
import asyncio
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import async_to_sync

from bench.lean_socket import LeanSocket, LeanStream
from bench.scratch import scratch_database

BEFORE_S, AFTER_S = 1.5, 2.5
KEYS = 20
AT_ONCE = 50
EVENTS, ALL = "/api/v1/feed/events", "cloudmining.asgi:application"
Client = LeanSocket | LeanStream
REVOKED = b'"rights.agreement_suspended"'


@dataclass
class Outcome:
    """`late` counts frames of alarms that were raised after the commit of the revocation; `told_after_s` is when the
    sockets were told of it."""

    name: str
    silent_after_s: list[float] = field(default_factory=list)
    told_after_s: list[float] = field(default_factory=list)
    late: int = 0

    def words(self) -> str:
        return f"{self.name:34}{_figures(self.silent_after_s)}{_figures(self.told_after_s)}{self.late:13}"


def _figures(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return f"{'never':>18}"
    cuts = statistics.quantiles(seconds, n=100)
    return f"{1000 * cuts[49]:9.0f}{1000 * cuts[98]:9.0f}"


@dataclass
class Scene:
    """Aurora opens its alarms to Borealis; `publish` raises one, `set_open` suspends or resumes."""

    aurora: Any
    borealis: Any
    agreement: Any
    path: str
    through_layer: bool = False

    def publish(self, number: int) -> None:
        from tenants.bus import announce
        from tenants.data import Event

        site = self.aurora.sites["north"].pk
        with self.aurora.acting():
            announce(Event("alarm.raised", {"n": number, "padding": "x" * 200}, "view_alarms", site_id=site))
        if self.through_layer:
            async_to_sync(_send_to_group)({"t": "ev", "kind": "alarm.raised", "body": {"n": number}})

    def set_open(self, is_open: bool) -> float:
        """When it was committed."""
        from tenants.agreements.actions import resume_agreement, suspend_agreement

        with self.aurora.acting():
            (resume_agreement if is_open else suspend_agreement)(agreement=self.agreement)
        return time.perf_counter()

    def greet(self, socket: Client) -> None:
        if isinstance(socket, LeanSocket) and not self.through_layer:
            hello = json.loads(socket.received[0][1])
            socket.send(json.dumps({"t": "sub", "cursor": hello["head"], "epoch": hello["epoch"]}))


class Stream:
    """Raises an alarm every `every_s` on a thread of its own; `begun_at` by number."""

    def __init__(self, publish: Callable[[int], None], every_s: float) -> None:
        self.publish, self.every_s, self._over = publish, every_s, threading.Event()
        self.begun_at: list[float] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _run(self) -> None:
        from django.db import connections

        while not self._over.wait(self.every_s):
            self.begun_at.append(time.perf_counter())
            self.publish(len(self.begun_at) - 1)
        connections.close_all()


async def _send_to_group(content: dict[str, Any]) -> None:
    from channels.layers import get_channel_layer

    from bench.feed_peer import GROUP

    await get_channel_layer("default").group_send(GROUP, {"type": "news", "content": content})


def main() -> None:
    options = _options()
    with scratch_database():
        from tests.live import LiveWeb

        print(f"{options.sockets} sockets, an alarm every {options.every_ms} ms, {options.rounds} rounds\n")
        print(f"{'ms after the commit':34}{'silent p50':>9}{'p99':>8}{'told p50':>9}{'p99':>9}{'late frames':>13}")
        for name, environment, path in (
            ("feed, with the doorbell", {}, "/ws/v1/feed"),
            ("feed, doorbell lost (poll 0.5 s)", {"REDIS_URL": "redis://127.0.0.1:1/0"}, "/ws/v1/feed"),
            ("feed, server-sent events", {}, EVENTS),
            ("group_send, no rights asked again", {}, "/peer/default"),
        ):
            with LiveWeb(environment, ALL if path == EVENTS else "bench.feed_peer:application") as web:
                scene = _scene(path)
                print(asyncio.run(_measure(name, scene, web.port, options)).words(), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=1000, choices=range(1, 1501), metavar="1..1500")
    parser.add_argument("--rounds", type=int, default=5, choices=range(1, 51), metavar="1..50")
    parser.add_argument("--every-ms", type=int, default=200, choices=range(10, 1001), metavar="10..1000")
    return parser.parse_args()


def _scene(path: str) -> Scene:
    from bench.feed_peer import add_core_layer
    from tests.integration.tenants.sharing_scenes import opened
    from tests.personas import aurora, borealis

    add_core_layer()
    owner, partner = aurora(), borealis()
    return Scene(owner, partner, opened(owner, partner), path, through_layer=path == "/peer/default")


async def _measure(name: str, scene: Scene, port: int, options: argparse.Namespace) -> Outcome:
    sockets = await _connect(scene, port, options.sockets)
    outcome, stream = Outcome(name), Stream(scene.publish, options.every_ms / 1000)
    with stream.running():
        for _ in range(options.rounds):
            await _round(scene, stream, sockets, outcome)
    for socket in sockets:
        socket.transport.close()
    return outcome


async def _connect(scene: Scene, port: int, count: int) -> list[LeanSocket]:
    loop = asyncio.get_running_loop()
    kind = LeanStream if scene.path == EVENTS else LeanSocket
    keys = await asyncio.to_thread(lambda: [scene.borealis.key() for _ in range(KEYS)])
    sockets: list[Client] = []
    for number in range(count):
        headers = {"Authorization": f"Api-Key {keys[number % KEYS]}"}
        _, socket = await loop.create_connection(lambda said=headers: kind(scene.path, said), "127.0.0.1", port)
        sockets.append(socket)
        if number % AT_ONCE == AT_ONCE - 1 or number == count - 1:
            await _let_in(scene, sockets[number - number % AT_ONCE :])
    return sockets


async def _let_in(scene: Scene, sockets: list[Client]) -> None:
    await _all(sockets, lambda socket: bool(socket.received))
    for socket in sockets:
        scene.greet(socket)
    if not scene.through_layer:
        await _all(sockets, lambda socket: any(payload.startswith(b'{"t":"live"') for _, payload in socket.received))


async def _all(sockets: list[Client], ready: Callable[[Client], bool]) -> None:
    async with asyncio.timeout(300):
        while not all(ready(socket) for socket in sockets):
            await asyncio.sleep(0.05)


async def _round(scene: Scene, stream: Stream, sockets: list[Client], outcome: Outcome) -> None:
    await asyncio.sleep(BEFORE_S)
    for socket in sockets:
        socket.received.clear()
    await _all(sockets, lambda socket: any(_is_alarm(payload) for _, payload in socket.received))
    committed_at = await asyncio.to_thread(scene.set_open, False)
    await asyncio.sleep(AFTER_S)
    for socket in sockets:
        alarms = [(at, json.loads(payload)["body"]["n"]) for at, payload in socket.received if _is_alarm(payload)]
        outcome.silent_after_s.append(max(0.0, max(at for at, _ in alarms) - committed_at))
        outcome.told_after_s += [at - committed_at for at, payload in socket.received if REVOKED in payload[:200]]
        outcome.late += sum(stream.begun_at[number] > committed_at for _, number in alarms)
    await asyncio.to_thread(scene.set_open, True)


def _is_alarm(payload: bytes) -> bool:
    return b'"alarm.' in payload[:200]


if __name__ == "__main__":
    main()
