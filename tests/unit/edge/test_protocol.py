"""The wire: what goes out comes back, and what is wrong is refused in words and in no other way."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_bridge.protocol import (
    MAX_ENTRIES,
    MAX_MESSAGE_BYTES,
    MAX_SEQ,
    Ack,
    Alarm,
    AlarmEvent,
    Batch,
    Birth,
    Command,
    CommandState,
    CommandStep,
    Death,
    Entry,
    Gap,
    GapReason,
    Heartbeat,
    Lane,
    Message,
    Problem,
    ProtocolError,
    Quality,
    Reading,
    Refused,
    RuleSet,
    RulesInUse,
    SequenceHole,
    Severity,
    Tag,
    Taken,
    TerminalBirth,
    TerminalCommand,
    TerminalCommandResult,
    TerminalReading,
    TerminalReadings,
    Trespass,
    after_watermark,
    decode,
    decode_entry,
    encode,
    encode_batch,
    encode_entry,
    problem_details,
    problem_from_http,
)

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
BOOT = UUID("6f2c0c1e-7a55-4b0e-9f3e-0c8f3d1c2b4a")

names = st.text("aZ09-_./%[] é中☢", min_size=1, max_size=12).filter(lambda text: text == text.strip())
numbers = st.floats(allow_nan=False, allow_infinity=False)
times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
counts = st.integers(0, MAX_SEQ)
seqs = st.integers(1, MAX_SEQ)
tags = st.builds(Tag, names, names, names)
readings = st.builds(Reading, names, names, numbers, st.sampled_from(Quality), times)
alarms = st.builds(
    Alarm,
    names,
    names,
    st.sampled_from(AlarmEvent),
    st.sampled_from(Severity),
    names,
    numbers,
    numbers,
    names,
    times,
    st.booleans(),
)
steps = st.builds(CommandStep, st.uuids(), st.sampled_from(CommandState), names, times, st.none() | numbers)
commands = st.builds(Command, st.uuids(), names, names, numbers, times, st.uuids(), times)
sessions = st.one_of(
    st.builds(Birth, times, st.lists(tags, max_size=3).map(tuple)),
    st.builds(Heartbeat, times, counts, counts),
    st.builds(Death, times, names),
    st.builds(RulesInUse, times, names, names, names),
    st.builds(Trespass, times, counts, names),
)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    lane = draw(st.sampled_from(Lane))
    kinds = {Lane.P0: alarms | steps, Lane.P1: sessions, Lane.P2: readings}[lane]
    seq, entries = draw(st.integers(0, MAX_SEQ - 1_000)), []
    for width in draw(st.lists(st.integers(0, 5), min_size=1, max_size=6)):
        low, high = sorted((draw(times), draw(times)))
        body = draw(kinds) if width == 0 else Gap(seq + 1, draw(st.sampled_from(GapReason)), draw(counts), low, high)
        seq += max(width, 1)
        entries.append(Entry(seq, body))
    return Batch(draw(names), draw(st.uuids()), lane, draw(times), tuple(entries))


messages: st.SearchStrategy[Message] = st.one_of(
    batches(),
    st.builds(Ack, names, st.uuids(), st.sampled_from(Lane), counts, st.lists(commands, max_size=3).map(tuple)),
    commands,
    st.builds(TerminalCommand, st.uuids(), names, names, numbers),
    st.builds(TerminalCommandResult, st.uuids(), st.booleans(), names, st.none() | numbers),
    st.builds(
        RuleSet,
        names,
        st.lists(st.dictionaries(names, names | numbers, max_size=3), max_size=3).map(tuple),
        st.none() | times,
    ),
    st.builds(Problem, st.integers(400, 599), names, names, st.none() | seqs, st.none() | seqs),
    st.builds(TerminalBirth, names, st.uuids(), seqs, st.lists(tags, max_size=3).map(tuple)),
    st.builds(
        TerminalReadings,
        names,
        st.uuids(),
        seqs,
        names,
        st.lists(
            st.builds(TerminalReading, names, numbers, st.sampled_from(Quality), times), min_size=1, max_size=3
        ).map(tuple),
    ),
    st.builds(Taken, seqs),
    st.builds(Refused, st.none() | seqs, names, names, st.booleans()),
)


@given(messages)
def test_every_message_comes_back_as_it_was_sent(message: Message) -> None:
    data = encode(message)
    assert decode(data) == message
    assert decode(data.decode()) == message
    assert b"\n" not in data


@given(batches())
def test_a_batch_of_encoded_entries_is_the_same_batch(batch: Batch) -> None:
    stored = [encode_entry(entry) for entry in batch.entries]
    assert encode_batch(batch.edge, batch.boot, batch.lane, batch.sent_at, stored) == encode(batch)


@given(batches())
def test_an_entry_comes_back_from_the_journal_as_it_was(batch: Batch) -> None:
    for entry in batch.entries:
        assert decode_entry(encode_entry(entry)) == entry


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300), json_values.map(json.dumps)))
def test_decode_of_anything_raises_nothing_but_protocol_error(data: bytes | str) -> None:
    with pytest.raises(ProtocolError):
        decode(data)


@settings(max_examples=150)
@given(messages, st.data())
def test_decode_of_a_damaged_message_gives_a_message_or_a_protocol_error(message: Message, data: st.DataObject) -> None:
    document = json.loads(encode(message))
    _damage(document, data)
    _decoded_or_refused(json.dumps(document).encode())
    raw = bytearray(encode(message))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    _decoded_or_refused(bytes(raw))


def _damage(value: Any, data: st.DataObject) -> None:
    """Puts any JSON value in any place of the document."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if not isinstance(value[key], dict | list) or data.draw(st.booleans()):
            value[key] = data.draw(json_values)
            return
        value = value[key]


def _decoded_or_refused(data: bytes) -> None:
    try:
        again = encode(decode(data))
    except ProtocolError:
        return
    assert encode(decode(again)) == again


def reading_at(seq: int, value: float = 1.0) -> Entry:
    return Entry(seq, Reading("GAS-1", "ch4", value, Quality.GOOD, NOW))


def batch_of(*entries: Entry, lane: Lane = Lane.P2) -> Batch:
    return Batch("north", BOOT, lane, NOW, entries)


BATCH = encode(batch_of(reading_at(1), reading_at(2), reading_at(3))).decode()


def test_the_wire_is_what_the_documents_show() -> None:
    assert json.loads(encode(batch_of(reading_at(7)))) == {
        "v": 1,
        "type": "batch",
        "edge": "north",
        "boot": str(BOOT),
        "lane": "p2",
        "sent_at": "2026-03-01T06:00:00Z",
        "entries": [
            {
                "seq": 7,
                "kind": "reading",
                "equipment": "GAS-1",
                "tag": "ch4",
                "value": 1.0,
                "quality": "good",
                "measured_at": "2026-03-01T06:00:00Z",
            }
        ],
    }


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ('"v":1', '"v":2', "v", "must be 1"),
        ('"v":1', '"v":true', "v", "must be 1"),
        ('"v":1,', "", "v", "must be 1"),
        ('"type":"batch"', '"type":"bunch"', "type", "must be one of"),
        ('"type":"batch"', '"type":["batch"]', "type", "must be one of"),
        ('"edge":"north"', '"edge":""', "edge", "1 to 64 characters"),
        ('"edge":"north"', '"edge":"no\\u0000th"', "edge", "printable"),
        ('"edge":"north"', '"edge":"\\ud800"', "edge", "printable"),
        ('"edge":"north",', "", "edge", "is missing"),
        ('"edge":"north"', '"edge":"north","extra":1', "'extra'", "not known"),
        ('"edge":"north"', '"edge":"north","edge":"south"', "", "same name twice"),
        (str(BOOT), str(BOOT).upper(), "boot", "lower case"),
        ('"lane":"p2"', '"lane":"p3"', "lane", "p0, p1, p2"),
        ('"lane":"p2"', '"lane":"p0"', "entries[0].kind", "does not travel in lane p0"),
        ('"seq":2', '"seq":5', "entries[1].seq", "must continue at 2"),
        ('"seq":2', '"seq":0', "entries[1].seq", "whole number"),
        ('"seq":2', '"seq":2.0', "entries[1].seq", "whole number"),
        ('"seq":2', f'"seq":{2**63}', "entries[1].seq", "whole number"),
        ('"seq":2', '"seq":' + "9" * 5_000, "", "too many digits"),
        ('"value":1.0', '"value":NaN', "", "finite"),
        ('"value":1.0', '"value":1e999', "entries[0].value", "finite"),
        ('"value":1.0', '"value":' + "9" * 400, "entries[0].value", "too large"),
        ('"value":1.0', '"value":true', "entries[0].value", "must be a number"),
        ('"value":1.0', '"value":"1"', "entries[0].value", "must be a number"),
        ('"good"', '"fine"', "entries[0].quality", "good, uncertain, bad"),
        ('_at":"2026-03-01T06:00:00Z"', '_at":"2026-03-01T06:00:00.00"', "sent_at", "no time zone"),
        ('_at":"2026-03-01T06:00:00Z"', '_at":"2026-03-01 06:00:00Z"', "sent_at", "must be a time"),
        ('_at":"2026-03-01T06:00:00Z"', '_at":"2026-02-30T06:00:00Z"', "sent_at", "is not a time"),
        ('_at":"2026-03-01T06:00:00Z"', '_at":"0001-01-01T00:00:00+14:00"', "sent_at", "is not a time"),
        ('_at":"2026-03-01T06:00:00Z"', '_at":1772344800', "sent_at", "must be a time"),
    ],
)
def test_a_bad_message_is_refused_with_its_place(old: str, new: str, path: str, words: str) -> None:
    assert old in BATCH
    with pytest.raises(ProtocolError, match=words) as refusal:
        decode(BATCH.replace(old, new, 1))
    assert refusal.value.path == path


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b"[]", "must be an object"),
        (b"\xff\xfe", "not UTF-8"),
        ("\ud800", "not UTF-8"),
        (b"[" * 500_000, "nested too deeply"),
        (b'{"v":1,"type":"taken","n":' + b"[" * 900 + b"]" * 900 + b"}", "whole number"),
        (b" " * (MAX_MESSAGE_BYTES + 1), "the limit is"),
    ],
)
def test_what_is_no_message_at_all_is_refused(data: bytes | str, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        decode(data)


def test_a_batch_of_too_many_entries_is_refused() -> None:
    entries = tuple(Entry(seq, Gap(seq, GapReason.LOST, 1, NOW, NOW)) for seq in range(1, MAX_ENTRIES + 2))
    with pytest.raises(ProtocolError, match="5000 items"):
        encode(batch_of(*entries))
    document = json.loads(BATCH)
    document["entries"] = [1] * (MAX_ENTRIES + 1)
    with pytest.raises(ProtocolError, match="5000 items") as refusal:
        decode(json.dumps(document))
    assert refusal.value.path == "entries"


def test_an_oversize_batch_is_not_encoded() -> None:
    wide = Reading("E" * 64, "t" * 64, 1.0, Quality.GOOD, NOW)
    with pytest.raises(ProtocolError, match="the limit is"):
        encode(batch_of(*[Entry(seq, wide) for seq in range(1, 4_500)]))


@pytest.mark.parametrize(
    "reading",
    [
        Reading("GAS-1", "ch4", float("nan"), Quality.GOOD, NOW),
        Reading("GAS-1", "ch4", 1.0, Quality.GOOD, datetime(2026, 3, 1)),
        Reading("", "ch4", 1.0, Quality.GOOD, NOW),
        Reading("GAS-1", "c" * 65, 1.0, Quality.GOOD, NOW),
    ],
)
def test_what_decode_would_refuse_is_not_encoded(reading: Reading) -> None:
    with pytest.raises(ProtocolError):
        encode(batch_of(Entry(1, reading)))


def test_an_answer_of_an_older_cloud_has_no_commands() -> None:
    ack = Ack("north", BOOT, Lane.P2, 3)
    document = json.loads(encode(ack))
    assert document.pop("commands") == []
    assert decode(json.dumps(document)) == ack


def test_times_travel_in_utc() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=8)))
    sent = decode(encode(replace(batch_of(reading_at(1)), sent_at=east)))
    assert isinstance(sent, Batch)
    assert sent.sent_at == NOW
    assert sent.sent_at.tzinfo is UTC


def test_a_gap_fills_its_numbers_and_no_others() -> None:
    gap = Entry(9, Gap(2, GapReason.THINNED, 8, NOW, NOW))
    assert decode(encode(batch_of(reading_at(1), gap, reading_at(10)))) == batch_of(reading_at(1), gap, reading_at(10))
    with pytest.raises(ProtocolError, match="must continue at 2"):
        encode(batch_of(reading_at(1), Entry(9, replace(gap.body, first_seq=3))))
    with pytest.raises(ProtocolError, match="not be above seq"):
        encode(batch_of(Entry(1, replace(gap.body, first_seq=2))))


def test_a_batch_sent_again_has_nothing_new() -> None:
    batch = batch_of(reading_at(1), reading_at(2), reading_at(3))
    assert after_watermark(batch, 0) == batch.entries
    assert after_watermark(batch, 2) == batch.entries[2:]
    assert after_watermark(batch, 3) == ()


def test_a_batch_above_the_watermark_shows_a_hole() -> None:
    with pytest.raises(SequenceHole) as hole:
        after_watermark(batch_of(reading_at(5)), 3)
    assert hole.value.expected_seq == 4


def test_problem_details_come_back_over_http() -> None:
    problem = Problem(422, "Cannot be taken", "value is beyond physics", seq=7)
    assert problem_from_http(422, json.dumps(problem_details(problem)).encode()) == problem


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_an_http_error_with_any_body_still_has_its_status(body: bytes) -> None:
    assert problem_from_http(503, body).status == 503
