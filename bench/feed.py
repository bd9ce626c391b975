"""The feed beside the classic Channels way (`group_send` of the content to a consumer in the same uvicorn).

    python -m bench.feed [--sockets 50] [--burst 500] [--singles 100]

Needs the environment of a test cluster (`DATABASE_ADMIN_URL` and its siblings); makes a database of its own and drops
it; loopback only. For each way: latency from the commit to the clients for single events; deliveries a second for a
burst; what was lost of the burst, and of a steady stream during which the web process loses Valkey for a second.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from asgiref.sync import async_to_sync

from bench.lean_socket import LeanSocket
from bench.scratch import scratch_database

QUIET_S = 8.0
SINGLE_EVERY_S = 0.05


class Way(Protocol):
    name: str
    path: str

    def greet(self, socket: LeanSocket) -> None: ...

    def publish(self, numbers: range, stamp: Callable[[], None]) -> None: ...


class Feed:
    """Announce in a transaction; the tailer reads the log and hands it out."""

    name, path = "feed", "/ws/v1/feed"

    def __init__(self, organisation: Any) -> None:
        self.organisation = organisation

    def greet(self, socket: LeanSocket) -> None:
        hello = json.loads(socket.received[0][1])
        socket.send(json.dumps({"t": "sub", "cursor": hello["head"], "epoch": hello["epoch"]}))

    def publish(self, numbers: range, stamp: Callable[[], None]) -> None:
        from django.db import transaction

        from tenants.bus import announce
        from tenants.data import Event

        with self.organisation.acting():
            transaction.on_commit(stamp)
            for number in numbers:
                announce(Event("alarm.raised", content(number)["body"], "view_alarms"))


class GroupSend:
    """An empty transaction; after its commit the content goes through the channel layer."""

    def __init__(self, organisation: Any, layer: str) -> None:
        self.organisation, self.layer = organisation, layer
        self.name = f"group_send, {'pub/sub' if layer == 'default' else layer} layer"
        self.path = f"/peer/{layer}"

    def greet(self, socket: LeanSocket) -> None:
        """It sends from now on, without being asked."""

    def publish(self, numbers: range, stamp: Callable[[], None]) -> None:
        from django.db import transaction

        with self.organisation.acting():
            transaction.on_commit(stamp)
            transaction.on_commit(lambda: async_to_sync(self._send)(numbers))

    async def _send(self, numbers: range) -> None:
        from channels.layers import get_channel_layer

        from bench.feed_peer import GROUP

        layer = get_channel_layer(self.layer)
        for number in numbers:
            await layer.group_send(GROUP, {"type": "news", "content": content(number)})


@dataclass
class Outcome:
    name: str
    p50_ms: float
    p99_ms: float
    deliveries_per_s: float
    lost_in_burst: int
    lost_in_outage: int


def content(number: int) -> dict[str, Any]:
    """As large as a frame of the feed."""
    body = {"n": number, "type": "gas.methane", "severity": "critical", "state": "unacknowledged", "padding": "x" * 200}
    return {"t": "ev", "seq": number, "prev": number - 1, "kind": "alarm.raised", "body": body}


def main() -> None:
    options = _options()
    with scratch_database():
        from tests.live import LiveWeb
        from tests.personas import aurora
        from tests.relay import Relay

        organisation = aurora()
        with (
            Relay(os.environ["REDIS_URL"]) as valkey,
            LiveWeb({"REDIS_URL": valkey.url}, "bench.feed_peer:application") as web,
        ):
            from bench.feed_peer import add_core_layer

            add_core_layer()
            ways: list[Way] = [Feed(organisation), GroupSend(organisation, "default"), GroupSend(organisation, "core")]
            key = organisation.key()
            _report([asyncio.run(_measure(way, web.port, key, valkey, options)) for way in ways], options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=50, choices=range(1, 501), metavar="1..500")
    parser.add_argument("--burst", type=int, default=500, choices=range(1, 5001), metavar="1..5000")
    parser.add_argument("--singles", type=int, default=100, choices=range(1, 1001), metavar="1..1000")
    return parser.parse_args()


async def _measure(way: Way, port: int, key: str, valkey: Any, options: argparse.Namespace) -> Outcome:
    sockets = await _connect(way, port, key, options.sockets)
    singles = await _singles(way, sockets, options.singles)
    rate, lost_in_burst = await _burst(way, sockets, options.burst)
    lost_in_outage = await _outage(way, sockets, valkey)
    for socket in sockets:
        socket.transport.close()
    p99_ms = statistics.quantiles(singles, n=100)[98]
    return Outcome(way.name, statistics.median(singles), p99_ms, rate, lost_in_burst, lost_in_outage)


async def _connect(way: Way, port: int, key: str, count: int) -> list[LeanSocket]:
    loop, headers = asyncio.get_running_loop(), {"Authorization": f"Api-Key {key}"}
    sockets = []
    for _ in range(count):
        _, socket = await loop.create_connection(lambda: LeanSocket(way.path, headers), "127.0.0.1", port)
        sockets.append(socket)
    while not all(socket.received for socket in sockets):
        await asyncio.sleep(0.05)
    for socket in sockets:
        way.greet(socket)
    await asyncio.sleep(1)
    return sockets


async def _singles(way: Way, sockets: list[LeanSocket], count: int) -> list[float]:
    """Milliseconds from each commit to each client."""
    committed: list[float] = []
    _forget(sockets)
    for number in range(count):
        await asyncio.to_thread(way.publish, range(number, number + 1), lambda: committed.append(time.perf_counter()))
        await asyncio.sleep(SINGLE_EVERY_S)
    await _all_in(sockets, count * len(sockets))
    return [1000 * (at - committed[number]) for socket in sockets for at, number in _arrivals(socket)]


async def _burst(way: Way, sockets: list[LeanSocket], count: int) -> tuple[float, int]:
    """Deliveries a second from the commit to the last arrival, and how many never came."""
    committed: list[float] = []
    _forget(sockets)
    await asyncio.to_thread(way.publish, range(count), lambda: committed.append(time.perf_counter()))
    await _all_in(sockets, count * len(sockets))
    arrivals = [at for socket in sockets for at, _ in _arrivals(socket)]
    took_s = max(arrivals, default=committed[0]) - committed[0]
    return len(arrivals) / took_s if took_s else 0.0, count * len(sockets) - len(arrivals)


async def _outage(way: Way, sockets: list[LeanSocket], valkey: Any) -> int:
    """How many deliveries of 60 events in three seconds never came, Valkey being out of reach in the second one."""
    _forget(sockets)
    for number in range(60):
        if number in (20, 40):
            await asyncio.to_thread(valkey.cut if number == 20 else valkey.restore)
        await asyncio.to_thread(way.publish, range(number, number + 1), lambda: None)
        await asyncio.sleep(SINGLE_EVERY_S)
    await _all_in(sockets, 60 * len(sockets))
    return 60 * len(sockets) - _delivered(sockets)


def _forget(sockets: list[LeanSocket]) -> None:
    for socket in sockets:
        socket.received.clear()


def _arrivals(socket: LeanSocket) -> list[tuple[float, int]]:
    """When each event came first; a second delivery of one doesn't count."""
    first: dict[int, float] = {}
    for at, payload in socket.received:
        if payload.startswith(b'{"t":"ev"') or payload.startswith(b'{"t": "ev"'):
            first.setdefault(json.loads(payload)["body"]["n"], at)
    return [(at, number) for number, at in first.items()]


def _delivered(sockets: list[LeanSocket]) -> int:
    return sum(len(_arrivals(socket)) for socket in sockets)


async def _all_in(sockets: list[LeanSocket], expected: int) -> None:
    """Wait until everything has come, or nothing more does. Looks inside the frames only once there are enough."""
    before, quiet_since = -1, time.monotonic()
    while time.monotonic() - quiet_since < QUIET_S:
        frames = sum(len(socket.received) for socket in sockets)
        if frames >= expected and _delivered(sockets) >= expected:
            return
        if frames != before:
            before, quiet_since = frames, time.monotonic()
        await asyncio.sleep(0.2)


def _report(outcomes: list[Outcome], options: argparse.Namespace) -> None:
    print(f"{options.sockets} sockets, {options.singles} single events, a burst of {options.burst}, 60 in an outage\n")
    print(f"{'':28}{'p50 ms':>9}{'p99 ms':>9}{'deliveries/s':>14}{'lost: burst':>13}{'outage':>8}")
    for outcome in outcomes:
        figures = f"{outcome.p50_ms:9.1f}{outcome.p99_ms:9.1f}{outcome.deliveries_per_s:14.0f}"
        print(f"{outcome.name:28}{figures}{outcome.lost_in_burst:13}{outcome.lost_in_outage:8}")
    feed = outcomes[0]
    for peer in outcomes[1:]:
        ratios = f"p50 x{feed.p50_ms / peer.p50_ms:.2f}, p99 x{feed.p99_ms / peer.p99_ms:.2f}"
        rate = feed.deliveries_per_s / peer.deliveries_per_s if peer.deliveries_per_s else float("inf")
        print(f"feed beside {peer.name}: {ratios}, deliveries/s x{rate:.2f}")


if __name__ == "__main__":
    main()
