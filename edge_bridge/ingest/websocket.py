"""`/ws/v1/edge`: the same batches as frames, each answered by its ack or problem."""

import logging
from typing import Any

from channels.db import database_sync_to_async
from channels.exceptions import DenyConnection
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DataError, OperationalError

from edge_bridge.actions import record
from edge_bridge.authentication import device_of
from edge_bridge.ingest.batches import problem_of, read_batch
from edge_bridge.protocol import Ack, Problem, encode
from tenants.api import acting_as
from tenants.data import Refusal, Unauthenticated

UNAUTHENTICATED = 4401
log = logging.getLogger(__name__)


class EdgeConsumer(AsyncWebsocketConsumer):
    """Frames are taken one after the other. The credential is looked up anew with each, so a revoked device is out.

    It uses no channel of the layer, so a gateway connects and delivers without Valkey.
    """

    channel_layer_alias = None

    async def connect(self) -> None:
        headers = dict(self.scope["headers"])
        self.authorization = headers.get(b"authorization", b"").decode("latin-1")
        try:
            await _in_thread(device_of)(self.authorization)
        except (Unauthenticated, OperationalError) as error:
            log.info("edge socket refused: %s", error)
            raise DenyConnection from None
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        frame = bytes_data if bytes_data is not None else (text_data or "").encode()
        answer = await _in_thread(_answer)(self.authorization, frame)
        await self.send(text_data=encode(answer).decode())
        if isinstance(answer, Problem) and answer.status == Unauthenticated.status:
            await self.close(UNAUTHENTICATED)


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
