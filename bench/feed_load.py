"""The feed under load, and what a delivery costs the server: two thousand sockets, a flood, a long way back.

    python -m bench.feed_load [--sockets 2000] [--seconds 15] [--only cost,crowd,flood,alarms,back]

Needs the environment of a test cluster; makes a database of its own and drops it; loopback only. *cost*: CPU seconds of
the web process for each frame that reached a client, beside `group_send` and a bare ASGI loop in the same process, and
mosquitto where it is installed. *crowd*: two events a second to all sockets, from the commit to each client; the bare
loop beside it. *flood*: 1,000 alarms a second on a feed, in transactions of 50 as a gateway's batches have them, to 20
sockets. *alarms*: the same of real alarms that `record` takes, as many as it can. *back*: clients that are 10,000
events behind.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import psutil
from asgiref.sync import async_to_sync

from bench.broker import MOSQUITTO, mosquitto
from bench.lean_socket import LeanSocket
from bench.scratch import scratch_database

FEED, BARE, GROUP_SEND = "/ws/v1/feed", "/peer/bare", "/peer/default"
AT_ONCE = 50
EVENT = b'{"t":"ev"'


class Scene:
    """One organisation with a web process, and sockets on it."""

    def __init__(self, organisation: Any, web: Any) -> None:
        self.organisation, self.web, self.key = organisation, web, organisation.key()
        self.process = psutil.Process(web.process.pid)

    def cpu_s(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system

    def publish(self, numbers: range) -> float:
        """When it was committed."""
        from bench.feed import content
        from tenants.bus import announce
        from tenants.data import Event

        with self.organisation.acting():
            for number in numbers:
                announce(Event("alarm.raised", content(number)["body"], "view_alarms"))
        return time.perf_counter()

    def send_to_group(self, numbers: range) -> float:
        from channels.layers import get_channel_layer

        from bench.feed import content
        from bench.feed_peer import GROUP

        async def send() -> None:
            for number in numbers:
                await get_channel_layer().group_send(GROUP, {"type": "news", "content": content(number)})

        async_to_sync(send)()
        return time.perf_counter()

    async def connect(self, path: str, count: int, cursor: int | None = None) -> list[LeanSocket]:
        loop, headers = asyncio.get_running_loop(), {"Authorization": f"Api-Key {self.key}"}
        sockets: list[LeanSocket] = []
        for start in range(0, count, AT_ONCE):
            group = []
            for _ in range(start, min(count, start + AT_ONCE)):
                _, socket = await loop.create_connection(lambda: LeanSocket(path, headers), "127.0.0.1", self.web.port)
                group.append(socket)
            await until(lambda group=group: all(socket.received for socket in group))
            if path == FEED:
                await self._subscribe(group, cursor)
            sockets += group
        return sockets

    async def _subscribe(self, sockets: list[LeanSocket], cursor: int | None) -> None:
        for socket in sockets:
            hello = json.loads(socket.received[0][1])
            after = hello["head"] if cursor is None else cursor
            socket.send(json.dumps({"t": "sub", "cursor": after, "epoch": hello["epoch"]}))
        if cursor is None:
            await until(lambda: all(map(is_live, sockets)))


def is_live(socket: LeanSocket) -> bool:
    return any(payload.startswith(b'{"t":"live"') for _, payload in socket.received)


def numbers_of(socket: LeanSocket) -> list[int]:
    return [json.loads(payload)["body"]["n"] for _, payload in socket.received if payload.startswith(EVENT)]


def count_of(sockets: list[LeanSocket]) -> int:
    return sum(payload.startswith((EVENT, b'{"t": "ev"')) for socket in sockets for _, payload in socket.received)


async def until(is_so: Callable[[], bool], within_s: float = 300) -> None:
    async with asyncio.timeout(within_s):
        while not is_so():
            await asyncio.sleep(0.02)


def close(sockets: list[LeanSocket]) -> None:
    for socket in sockets:
        socket.transport.close()


async def cost(scene: Scene, options: argparse.Namespace) -> None:
    """To 200 sockets: 100 events, one every 20 ms, and 100 at once."""
    from bench.feed import content

    frame = json.dumps(content(1), separators=(",", ":"))

    async def by_feed(sockets: list[LeanSocket], numbers: range) -> None:
        await asyncio.to_thread(scene.publish, numbers)

    async def by_group(sockets: list[LeanSocket], numbers: range) -> None:
        await asyncio.to_thread(scene.send_to_group, numbers)

    async def by_loop(sockets: list[LeanSocket], numbers: range) -> None:
        sockets[0].send(f"go {len(numbers)} {frame}")

    print(f"{'CPU of the server for a delivery':40}{'one by one':>14}{'100 at once':>14}")
    for name, path, publish in (
        ("feed", FEED, by_feed),
        ("bare ASGI loop", BARE, by_loop),
        ("group_send", GROUP_SEND, by_group),
    ):
        sockets = await scene.connect(path, 200)
        figures = []
        for batches in ([range(n, n + 1) for n in range(100)], [range(100)]):
            for socket in sockets:
                socket.received.clear()
            await asyncio.sleep(1)
            before = scene.cpu_s()
            for numbers in batches:
                await publish(sockets, numbers)
                await asyncio.sleep(0.02)
            await settled(sockets, 100 * len(sockets))
            figures.append(1e6 * (scene.cpu_s() - before) / max(1, count_of(sockets)))
        _cost_line(name, figures)
        close(sockets)
        await asyncio.sleep(1)
    if MOSQUITTO:
        _cost_line("mosquitto, QoS 0", await _cost_of_broker(frame))


def _cost_line(name: str, figures: list[float]) -> None:
    print(f"{name:40}{figures[0]:11.1f} us{figures[1]:11.1f} us", flush=True)


async def _cost_of_broker(frame: str) -> list[float]:
    figures = []
    for pause_s in (0.02, 0.0):
        async with mosquitto(200) as broker:
            await asyncio.sleep(1)
            before = broker.cpu_s()
            await broker.publish(100, frame, pause_s)
            await broker.settled(100 * 200)
            figures.append(1e6 * (broker.cpu_s() - before) / max(1, broker.received))
    return figures


async def settled(sockets: list[LeanSocket], expected: int) -> None:
    """Until all is there, or nothing more comes for three seconds."""
    before, quiet_since = -1, time.monotonic()
    while (now := count_of(sockets)) < expected and time.monotonic() - quiet_since < 3:
        if now != before:
            before, quiet_since = now, time.monotonic()
        await asyncio.sleep(0.1)


async def crowd(scene: Scene, options: argparse.Namespace) -> None:
    """Beside it the bare loop, which shows what sending one frame to each of so many sockets costs at the least."""
    from bench.feed import content

    async def publish(sockets: list[LeanSocket], number: int) -> float:
        return await asyncio.to_thread(scene.publish, range(number, number + 1))

    async def go(sockets: list[LeanSocket], number: int) -> float:
        sockets[0].send(f"go 1 {json.dumps(content(number), separators=(',', ':'))}")
        return time.perf_counter()

    for name, path, send in (("bare ASGI loop", BARE, go), ("feed", FEED, publish)):
        sockets = await scene.connect(path, options.sockets)
        await asyncio.sleep(2)
        before, begun, sent = scene.cpu_s(), time.perf_counter(), []
        for number in range(2 * options.seconds):
            sent.append(await send(sockets, number))
            await asyncio.sleep(max(0.0, begun + 0.5 * (number + 1) - time.perf_counter()))
        await settled(sockets, len(sent) * len(sockets))
        _tell(f"crowd, {name}", sockets, sent, scene.cpu_s() - before, time.perf_counter() - begun)
        close(sockets)
        await asyncio.sleep(2)


def _tell(name: str, sockets: list[LeanSocket], sent: list[float], cpu_s: float, took_s: float) -> None:
    waits = [
        1000 * (at - sent[json.loads(payload)["body"]["n"]])
        for socket in sockets
        for at, payload in socket.received
        if payload.startswith(EVENT)
    ]
    cuts, lost = statistics.quantiles(waits, n=100), len(sent) * len(sockets) - len(waits)
    print(
        f"{name}: {len(sockets)} sockets, {len(waits) / took_s:.0f} deliveries/s for {took_s:.0f} s: "
        f"p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms; {1e6 * cpu_s / len(waits):.1f} us of CPU each; {lost} lost",
        flush=True,
    )


async def flood(scene: Scene, options: argparse.Namespace) -> None:
    sockets = await scene.connect(FEED, 20)
    begun, waits, total = time.perf_counter(), [], 1000 * options.seconds
    before = scene.cpu_s()
    committed: dict[int, float] = {}
    for start in range(0, total, 50):
        at = await asyncio.to_thread(scene.publish, range(start, start + 50))
        committed |= dict.fromkeys(range(start, start + 50), at)
        await asyncio.sleep(max(0.0, begun + (start + 50) / 1000 - time.perf_counter()))
    wrote_s = time.perf_counter() - begun
    await settled(sockets, total * len(sockets))
    for socket in sockets:
        arrived = [(at, json.loads(p)["body"]["n"]) for at, p in socket.received if p.startswith(EVENT)]
        waits += [1000 * (at - committed[number]) for at, number in arrived]
    whole = sum(numbers_of(socket) == list(range(total)) for socket in sockets)
    cuts, cpu_s = statistics.quantiles(waits, n=100), scene.cpu_s() - before
    print(
        f"flood: {total / wrote_s:.0f} alarms/s to 20 sockets for {wrote_s:.0f} s: "
        f"from the commit p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms; {1e6 * cpu_s / len(waits):.1f} us each; "
        f"{total * len(sockets) - len(waits)} lost; whole and in order at {whole} of 20",
        flush=True,
    )
    close(sockets)


async def alarms(scene: Scene, options: argparse.Namespace) -> None:
    """From the commit to a socket, and how many there are: what a gateway sends is taken as fast as it can be."""
    from edge_bridge.protocol import Lane
    from tests.integration.edge.scenes import gateway, raised

    edge = await asyncio.to_thread(gateway, scene.organisation)
    sockets = await scene.connect(FEED, 20)
    total, committed, begun = 200 * options.seconds, {}, time.perf_counter()
    for start in range(0, total, 50):
        names = [f"type {n}" for n in range(start, start + 50)]
        await asyncio.to_thread(edge.say, Lane.P0, *[raised(alarm_type=name) for name in names])
        committed |= dict.fromkeys(names, time.perf_counter())
    wrote_s = time.perf_counter() - begun
    await settled(sockets, 2 * total * len(sockets))  # floods are told, too: until nothing more comes
    arrived = [
        (at, json.loads(p)["body"].get("type"))
        for socket in sockets
        for at, p in socket.received
        if p.startswith(EVENT)
    ]
    waits = [1000 * (at - committed[name]) for at, name in arrived if name in committed]
    cuts = statistics.quantiles(waits, n=100)
    print(
        f"alarms: {total} by `record` in transactions of 50, {total / wrote_s:.0f}/s to 20 sockets: from the commit "
        f"p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms; {total * len(sockets) - len(waits)} lost",
        flush=True,
    )
    close(sockets)


async def back(scene: Scene, options: argparse.Namespace) -> None:
    for start in range(0, 10_000, 500):
        await asyncio.to_thread(scene.publish, range(start, start + 500))
    for count in (1, 20):
        head = json.loads((await scene.connect(FEED, 1))[0].received[0][1])["head"]
        sockets = await scene.connect(FEED, count, head - 10_000)
        begun = time.perf_counter()
        await settled(sockets, 10_000 * count)
        took_s, missing = time.perf_counter() - begun, 10_000 * count - count_of(sockets)
        print(f"back: 10,000 events to {count} client(s) in {took_s:.2f} s, {missing} missing", flush=True)
        close(sockets)


PARTS = {"cost": cost, "crowd": crowd, "flood": flood, "alarms": alarms, "back": back}


def main() -> None:
    options = _options()
    with scratch_database():
        from tests.live import LiveWeb
        from tests.personas import aurora

        with LiveWeb({}, "bench.feed_peer:application") as web:
            for part in options.only.split(","):
                asyncio.run(PARTS[part](Scene(aurora(), web), options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=2000, choices=range(1, 2501), metavar="1..2500")
    parser.add_argument("--seconds", type=int, default=15, choices=range(1, 61), metavar="1..60")
    parser.add_argument("--only", default=",".join(PARTS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
