"""uvicorn's websockets, which also take a frame that was encoded once for all of them (`uvicorn --ws …:Sockets`).

Per socket, encoding costs more than all else but the system call: each event goes to many.
"""

from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import OPEN


class Sockets(WebSocketsSansIOProtocol):
    """A message `websocket.send` may hold, beside its `text`, the `frame` that this makes: tenants/feed/line.py."""

    async def send(self, message: Any) -> None:
        frame = message.get("frame")
        if frame is None or self.conn.extensions:  # such as compression, which keeps a state for each socket
            await super().send(message)
            return
        if not self.writable.is_set():
            await self.writable.wait()
        if self.disconnected or self.close_sent or self.conn.state is not OPEN:
            await super().send(message)  # which says what is wrong
            return
        self.transport.write(cast(bytes, frame))
