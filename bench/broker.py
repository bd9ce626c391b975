"""A peer where it is installed: mosquitto, a broker in C, to as many subscribers as the feed has sockets.

QoS 0, without TLS, persistence or rights: no log, no order over a reconnection, nobody asked who may see what.
"""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiomqtt
import psutil

from tests.ports import free_port
from tests.unit.edge.cloud import wait_until

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
TOPIC = "bench"


class Broker:
    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port, self.received = psutil.Process(process.pid), port, 0

    def cpu_s(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system

    async def publish(self, frames: int, text: str, pause_s: float) -> None:
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            for _ in range(frames):
                await client.publish(TOPIC, text)
                await asyncio.sleep(pause_s)

    async def settled(self, expected: int) -> None:
        """Until all is there, or nothing more comes for three seconds."""
        before = -1
        while before != self.received < expected:
            before = self.received
            await asyncio.sleep(3)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for _ in client.messages:
            self.received += 1


@asynccontextmanager
async def mosquitto(subscribers: int) -> AsyncIterator[Broker]:
    """A broker of its own on loopback, with that many who listen."""
    async with AsyncExitStack() as stack:
        folder, port = Path(stack.enter_context(tempfile.TemporaryDirectory())), free_port()
        (folder / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        command = [str(MOSQUITTO), "-c", str(folder / "mosquitto.conf")]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        stack.callback(process.wait, 10)
        stack.callback(process.terminate)
        await asyncio.to_thread(wait_until, lambda: bool(psutil.Process(process.pid).net_connections()))
        broker = Broker(process, port)
        for _ in range(subscribers):
            client = await stack.enter_async_context(aiomqtt.Client("127.0.0.1", port))
            await client.subscribe(TOPIC)
            listening = asyncio.create_task(broker._listen(client))
            stack.callback(listening.cancel)
        yield broker
