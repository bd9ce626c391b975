"""The bell that wakes the socket of a gateway for which a command waits. PostgreSQL rings it at the commit.

Without a bell the command goes with the next answer to the gateway, so a bell may be lost.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import psycopg
from django.db import connections

CHANNEL: Final = "edge_commands"
RETRY_S: Final = 2.0
log = logging.getLogger(__name__)


def ring(tenant_id: UUID) -> None:
    """If and when the open transaction commits."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(tenant_id)])


class Bells:
    """One listening connection of this process, while any socket waits; it carries no identity and reads no row."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._listening: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def heard(self, tenant_id: UUID) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever a command of the organisation may wait."""
        rung = asyncio.Event()
        rung.set()  # one may wait already
        self._waiting[str(tenant_id)].add(rung)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen_on())
        try:
            yield rung
        finally:
            self._forget(str(tenant_id), rung)

    def _ring_all(self) -> None:
        for found in self._waiting.values():
            for rung in found:
                rung.set()

    def _forget(self, tenant: str, rung: asyncio.Event) -> None:
        self._waiting[tenant].discard(rung)
        if not self._waiting[tenant]:
            del self._waiting[tenant]
        if not self._waiting and self._listening:
            self._listening.cancel()
            self._listening = None

    async def _listen_on(self) -> None:
        while True:
            with contextlib.suppress(psycopg.Error):
                await self._listen()
            log.warning("the bell of commands is not heard now; they go with the gateways' next answers")
            await asyncio.sleep(RETRY_S)

    async def _listen(self) -> None:
        parameters = connections["default"].get_connection_params()
        wanted = ("dbname", "user", "password", "host", "port", "sslmode", "options")
        given = {name: parameters[name] for name in wanted if parameters.get(name)}
        async with await psycopg.AsyncConnection.connect(**given, autocommit=True) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._ring_all()  # for what was rung before anybody listened
            async for bell in connection.notifies():
                for rung in self._waiting.get(bell.payload, ()):
                    rung.set()


bells: Final = Bells()
