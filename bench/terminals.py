"""What thousands of simulated terminals cost: `python -m bench.terminals --terminals 5000 --seconds 20`.

First the mine alone, without a network: CPU seconds a simulated second for physics, for frames and for their bytes.
Then the same mine at one reading of each tag a second to a gateway that takes everything at once (a process of its own,
which is not counted), over connections shared by 25 terminals; and a tenth of it over
one connection a terminal.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from edge_bridge.protocol import encode
from terminal_sim.line import Tally
from terminal_sim.run import Player, Playing
from terminal_sim.scenario import Scenario, scaled
from terminal_sim.simulation import Mine, frame
from terminal_sim.toml import load_scenario
from terminal_sim.websocket import WebSocketGateway

ROOT = Path(__file__).parents[1]
STEPS = 10


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.terminals", description=__doc__)
    parser.add_argument("--terminals", type=int, default=5_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--sink", action="store_true", help="be the gateway that takes everything")
    given = parser.parse_args()
    if given.sink:
        asyncio.run(take_everything())
        return
    scenario = scaled(load_scenario(ROOT / "terminal_sim/scenarios/thousands.toml"), given.terminals)
    mine_alone(scenario)
    for share, part in ((25, scenario), (1, scaled(scenario, max(given.terminals // 10, 1)))):
        with sink() as url:
            over_the_wire(replace(part, duration_s=given.seconds, faults=()), url, share)


def mine_alone(scenario: Scenario) -> None:
    mine, session, now = Mine(scenario), uuid4(), datetime.now(UTC)
    spent = {"physics": 0.0, "frames": 0.0, "bytes": 0.0}
    readings = 0
    for second in range(STEPS):
        began = time.process_time()
        measured = mine.step(float(second))
        stepped = time.process_time()
        frames = [frame(one, session, 2, now) for one in measured]
        framed = time.process_time()
        size = sum(len(encode(one)) for one in frames)
        ended = time.process_time()
        readings += sum(len(one.values) for one in measured)
        for name, seconds in zip(spent, (stepped - began, framed - stepped, ended - framed), strict=True):
            spent[name] += seconds / STEPS
    parts = ", ".join(f"{name} {seconds:.3f}" for name, seconds in spent.items())
    total = sum(spent.values())
    print(f"{len(scenario.terminals)} terminals, {readings // STEPS} readings, {size / 1e6:.1f} MB a simulated second")
    print(f"alone        {total:.3f} CPU s a simulated second ({parts}); {rss_mb():.0f} MB")


def over_the_wire(scenario: Scenario, url: str, share: int) -> None:
    playing = Playing(speed=1.0, rounds=1, scenario_times=False, terminals_a_line=share)
    player = Player(scenario, [WebSocketGateway(url)], playing)
    began_s, began_cpu = time.monotonic(), time.process_time()
    tally: Tally = asyncio.run(player.run())
    took_s, cpu = time.monotonic() - began_s, time.process_time() - began_cpu
    readings = sum(len(one.values) for one in Mine(scenario).step(0.0)) * scenario.duration_s
    print(
        f"{len(scenario.terminals)} terminals, {share} a connection:"
        f" {cpu / scenario.duration_s:.3f} CPU s a simulated second,"
        f" {cpu / tally.taken * 1e6:.0f} us a frame, {cpu / readings * 1e6:.0f} us a reading;"
        f" {tally.taken} taken, {tally.refused} refused; {took_s:.1f} s for {scenario.duration_s} s; {rss_mb():.0f} MB"
    )


def rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def sink() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.terminals", "--sink"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield f"ws://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


async def take_everything() -> None:
    async def converse(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for data in connection:
                await connection.send(json.dumps({"v": 1, "type": "taken", "n": json.loads(data)["n"]}))

    async with serve(converse, "127.0.0.1", 0, compression=None, max_size=2**21) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    main()
