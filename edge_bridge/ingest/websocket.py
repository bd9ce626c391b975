"""`/ws/v1/edge`: the same batches as frames, each answered by its ack or problem; commands come when they are there."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.exceptions import DenyConnection
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DataError, OperationalError

from edge_bridge.actions import record
from edge_bridge.authentication import device_of
from edge_bridge.commands.bell import bells
from edge_bridge.commands.delivery import waiting
from edge_bridge.ingest.batches import problem_of, read_batch
from edge_bridge.protocol import Ack, Command, Lane, Problem, encode
from tenants.api import acting_as
from tenants.data import Refusal, Unauthenticated

UNAUTHENTICATED = 4401
# uvicorn raises RuntimeError, not OSError, if it closed the socket itself after an unanswered ping.
GONE = (OSError, RuntimeError)
log = logging.getLogger(__name__)


class EdgeConsumer(AsyncWebsocketConsumer):
    """Frames are taken one after the other. The credential is looked up anew with each, so a revoked device is out.

    It uses no channel of the layer, so a gateway connects and delivers without Valkey. Of a gateway's connections the
    one on which its session is told is pushed commands, as soon as they are approved.
    """

    channel_layer_alias = None
    session: tuple[str, UUID] | None = None
    pushing: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        headers = dict(self.scope["headers"])
        self.authorization = headers.get(b"authorization", b"").decode("latin-1")
        try:
            device, _ = await _in_thread(device_of)(self.authorization)
        except (Unauthenticated, OperationalError) as error:
            log.info("edge socket refused: %s", error)
            raise DenyConnection from None
        self.tenant_id = device.tenant_id
        await self.accept()

    async def disconnect(self, code: int) -> None:
        if self.pushing:
            self.pushing.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        frame = bytes_data if bytes_data is not None else (text_data or "").encode()
        answer = await _in_thread(_answer)(self.authorization, frame)
        await self.send(text_data=encode(answer).decode())
        if isinstance(answer, Ack) and answer.lane is Lane.P1:
            self.session = answer.edge, answer.boot
            self.pushing = self.pushing or asyncio.create_task(self._push())
        if isinstance(answer, Problem) and answer.status == Unauthenticated.status:
            await self.close(UNAUTHENTICATED)

    async def _push(self) -> None:
        async with bells.heard(self.tenant_id) as rung:
            while await rung.wait():
                rung.clear()
                for command in await _in_thread(_commands)(self.authorization, *(self.session or ())):
                    try:
                        await self.send(text_data=encode(command).decode())
                    except GONE as error:  # told again with the next answer, on whichever socket
                        log.info("edge socket was gone before a command: %r", error)
                        return


def _commands(authorization: str, edge: str, boot: UUID) -> tuple[Command, ...]:
    """What waits for this epoch; nothing if that can't be said now, since it comes with the next answer too."""
    try:
        device, actor = device_of(authorization)
        with acting_as(actor):
            return waiting(device, edge, boot, datetime.now(UTC))
    except (Refusal, OperationalError) as error:
        log.info("no commands are pushed: %s", error)
        return ()


def _answer(authorization: str, frame: bytes) -> Ack | Problem:
    try:
        device, actor = device_of(authorization)
        batch = read_batch(frame)
        with acting_as(actor):
            return record(device=device, batch=batch)
    except (Refusal, DataError, OperationalError) as error:
        return problem_of(error)


def _in_thread(work: Any) -> Any:
    """Not Channels' one shared thread: there a long batch of one gateway would hold up all others."""
    return database_sync_to_async(work, thread_sensitive=False)
