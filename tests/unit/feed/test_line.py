"""Frames that were encoded once, through a real server to a real client."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tenants.feed.line import Line
from tests.unit.edge.cloud import serving

# Where the length of a frame takes more bytes, and text that is longer in UTF-8 than in characters.
TEXTS = ["", "x" * 125, "x" * 126, "é" * 63, "x" * 65_535, "x" * 65_536, "坑口 " * 50_000]


async def say_all(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Says each text to who connects, then closes; what it can't say any more it counts."""
    await receive()
    await send({"type": "websocket.accept"})
    for text in TEXTS:
        await send(Line(text).message)
    await send({"type": "websocket.close", "code": 4000})
    try:
        await send(Line("too late").message)
    except RuntimeError as error:
        say_all.refused = str(error)  # type: ignore[attr-defined]


@pytest.fixture(params=["cloudmining.sockets:Sockets", "websockets-sansio"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    say_all.refused = ""  # type: ignore[attr-defined]
    with serving(say_all, ws=request.param) as port:
        yield port


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_a_line_arrives_as_it_was_said_by_our_server_and_by_any_other(port: int, compression: Any) -> None:
    with connect(f"ws://127.0.0.1:{port}/", compression=compression, max_size=None) as client:
        assert [client.recv() for _ in TEXTS] == TEXTS
        with pytest.raises(ConnectionClosed) as closed:
            client.recv()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 4000
    assert "close" in say_all.refused  # type: ignore[attr-defined]


def test_a_line_is_encoded_once_for_all_sockets() -> None:
    line = Line(json.dumps({"t": "live", "seq": 1}))
    assert line.message is line.message
    assert line.message["text"] == line and type(line.message["text"]) is str
