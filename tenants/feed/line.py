"""A frame of the feed as it is sent: encoded once, for however many sockets it goes to. Pure."""

from functools import cached_property
from typing import Any

from websockets.frames import Frame, Opcode


class Line(str):
    """One line of JSON."""

    @cached_property
    def message(self) -> dict[str, Any]:
        """What an ASGI server is told to send. `frame` is the same as a whole websocket frame (RFC 6455, section 5.2):
        a server's frames carry no mask, so one fits every socket. A server that does not know the key takes `text`."""
        frame = Frame(Opcode.TEXT, self.encode()).serialize(mask=False, extensions=[])
        return {"type": "websocket.send", "text": str(self), "frame": frame}
