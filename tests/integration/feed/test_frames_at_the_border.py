"""Bad frames and void cursors are answered in words; never a traceback."""

import asyncio
import json
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed

from tenants.context import as_platform
from tenants.feed.frames import MAX_SEQ, Error
from tenants.models import FeedEvent, FeedHead
from tests.integration.feed.client import emit, following, greeted

later = asyncio.to_thread
EPOCH = "00000000-0000-7000-8000-000000000000"

BAD = {
    "not JSON": ("{", "not JSON"),
    "no object": ("[1]", "not a JSON object"),
    "empty": ("", "not JSON"),
    "NaN": (f'{{"t":"sub","cursor":NaN,"epoch":"{EPOCH}"}}', "NaN"),
    "unknown type": ('{"t":"drop"}', "/t"),
    "type that is no text": ('{"t":["sub"]}', "/t"),
    "frame of the server": ('{"t":"live","seq":1}', "/t"),
    "negative cursor": (f'{{"t":"sub","cursor":-1,"epoch":"{EPOCH}"}}', "/cursor"),
    "cursor of 2^63": (f'{{"t":"sub","cursor":{2**63},"epoch":"{EPOCH}"}}', "/cursor"),
    "cursor without end": (f'{{"t":"sub","cursor":{"9" * 5000},"epoch":"{EPOCH}"}}', "number that is too long"),
    "cursor that is true": (f'{{"t":"sub","cursor":true,"epoch":"{EPOCH}"}}', "/cursor"),
    "cursor as text": (f'{{"t":"sub","cursor":"1","epoch":"{EPOCH}"}}', "/cursor"),
    "no cursor": (f'{{"t":"sub","epoch":"{EPOCH}"}}', "/cursor"),
    "epoch that is none": ('{"t":"sub","cursor":0,"epoch":"x"}', "/epoch"),
    "surplus field": (f'{{"t":"sub","cursor":0,"epoch":"{EPOCH}","tenant":"{EPOCH}"}}', "/tenant"),
    "unknown criterion": (f'{{"t":"sub","cursor":0,"epoch":"{EPOCH}","filter":{{"tenant":[]}}}}', "/filter/tenant"),
    "site that is no id": (f'{{"t":"sub","cursor":0,"epoch":"{EPOCH}","filter":{{"sites":["x"]}}}}', "/filter/sites/0"),
    "filter that is text": (f'{{"t":"sub","cursor":0,"epoch":"{EPOCH}","filter":"alarm."}}', "/filter"),
    "empty filter": (f'{{"t":"sub","cursor":0,"epoch":"{EPOCH}","filter":[]}}', "/filter"),
    "empty prefix": (f'{{"t":"sub","cursor":0,"epoch":"{EPOCH}","filter":["alarm.",""]}}', "/filter/1"),
    "NUL in a prefix": (f'{{"t":"sub","cursor":0,"epoch":"{EPOCH}","filter":["a\\u0000"]}}', "/filter/0"),
    "half a surrogate": (f'{{"t":"sub","cursor":0,"epoch":"{EPOCH}","filter":["\\ud800"]}}', "/filter/0"),
    "huge": ('{"t":"sub","filter":["' + "a" * 100_000 + '"]}', "at most"),
    "nested": ("[" * 8000, "nested too deeply"),
    "binary": (b"\x00\x01", "binary"),
    "ack of what was not sent": ('{"t":"ack","seq":99}', "/seq"),
    "fraction as ack": ('{"t":"ack","seq":1.0}', "/seq"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.usefixtures("untroubled")
async def test_bad_frame_is_answered_with_what_is_wrong_then_closed(live_web, key, name):
    sent, expected = BAD[name]
    async with greeted(live_web, key) as follower:
        await follower.socket.send(sent)
        answer = await follower.next()
        assert isinstance(answer, Error) and expected in answer.detail, answer
        with pytest.raises(ConnectionClosed) as closed:
            await follower.next()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 4400


@pytest.fixture(scope="module")
def key() -> str:
    from tests import personas

    return personas.borealis().key()


async def test_second_subscription_on_a_socket_is_refused(live_web, key):
    async with following(live_web, key) as follower:
        await follower.subscribe(0)
        answer = await follower.next()
        assert isinstance(answer, Error) and "subscription" in answer.detail


async def test_acknowledgement_of_what_was_received_is_taken(live_web, aurora):
    async with following(live_web, await later(aurora.key)) as follower:
        await later(emit, aurora, range(2))
        await follower.until(2)
        await follower.acknowledge()
        await later(emit, aurora, range(2, 3))
        await follower.until(3)


async def test_void_cursor_is_reset_and_the_same_socket_may_subscribe_again(live_web, aurora):
    await later(emit, aurora, range(5))
    async with greeted(live_web, await later(aurora.key)) as follower:
        await follower.subscribe(6)
        assert (await follower.reset()).reason == "above_head"
        await follower.subscribe(3, epoch=uuid4())
        reset = await follower.reset()
        assert (reset.reason, reset.head, reset.min_seq) == ("another_epoch", 5, 1)
        await follower.subscribe(3, epoch=reset.epoch)
        await follower.until_live()
        assert follower.numbers == [3, 4]


def alter(organisation, **changes) -> None:
    with as_platform("tests", "prune or replace a log"):
        FeedHead.objects.filter(tenant=organisation.id).update(**changes)
        # Whoever announces to all organisations must still find a log that fits its head.
        FeedEvent.objects.filter(tenant=organisation.id, seq__gt=changes.get("seq", MAX_SEQ)).delete()


async def test_cursor_below_what_is_kept_is_reset_and_the_last_kept_one_is_not(live_web, aurora):
    await later(emit, aurora, range(5))
    await later(alter, aurora, min_seq=4)
    async with greeted(live_web, await later(aurora.key)) as follower:
        await follower.subscribe(2)
        assert (await follower.reset()).reason == "below_min_seq"
        await follower.subscribe(3)
        await follower.until_live()
        assert follower.numbers == [3, 4]


async def test_open_sockets_are_reset_when_the_log_is_replaced(live_web, aurora):
    key = await later(aurora.key)
    await later(emit, aurora, range(5))
    async with following(live_web, key) as first, following(live_web, key) as second:
        await later(alter, aurora, epoch=uuid4(), seq=0)
        for follower in (first, second):
            assert (await follower.reset()).head == 0


def test_frames_are_json_without_line_breaks_for_every_body():
    from datetime import UTC, datetime

    from tenants.feed.frames import Ev, decode_server, encode

    body = {"text": "Grube „Süd“\n\u2028", "number": 1.5, "list": [None, True]}
    now = datetime.now(UTC)
    frame = Ev(2, 1, "alarm.raised", body, None, uuid4(), uuid4(), now, now)
    text = encode(frame)
    assert "\n" not in text and json.loads(text)["body"] == body
    assert decode_server(text) == frame
