"""The frames' closed set, and the chain: for any mixture of hidden and visible events it is gapless and complete."""

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.feed import frames
from tenants.feed.entry import Entry
from tenants.feed.filters import Filter
from tenants.feed.frames import Ack, BadFrame, Ev, Hb, Hello, Lagging, Live, Reset, Skip, Sub
from tenants.feed.log import Head, Page

NOW = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
FEED = uuid4()
EXAMPLES = [
    Hello(FEED, uuid4(), 812, 1),
    Ev(812, 811, "rights.key_revoked", {"prefix": "cmk_CH₄"}, uuid4(), None, FEED, NOW, NOW),
    Skip(812, 900),
    Live(900),
    Lagging(900, 1200),
    Hb(900, NOW),
    Reset(uuid4(), 900, 400, "below_min_seq"),
    Reset(uuid4(), 900, 400, "below_min_seq", {"alarms": {"items": [{"alarm": "x"}], "is_whole": True}}),
    frames.Error("Bad frame", "/cursor: must be a whole number."),
]


NARROW = Filter(("alarm.",), (FEED,), (FEED,), ("critical",))


@pytest.mark.parametrize("frame", EXAMPLES, ids=lambda frame: frame.t)
def test_server_frame_is_read_as_it_was_written(frame):
    assert frames.decode_server(frames.encode(frame)) == frame


@pytest.mark.parametrize("frame", [Sub(0, FEED), Sub(7, FEED, NARROW), Ack(2**63 - 1)])
def test_client_frame_is_read_as_it_was_written(frame):
    assert frames.decode_client(frames.encode(frame)) == frame


def test_times_are_written_in_utc():
    assert json.loads(frames.encode(Hb(1, NOW)))["now"] == "2026-03-01T12:30:15.250000Z"


@settings(deadline=None, max_examples=60)
@given(st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_whatever_a_client_sends_is_a_frame_or_a_bad_frame(text):
    try:
        frames.decode_client(text)
    except BadFrame as error:
        assert str(error)


@settings(deadline=None, max_examples=60)
@given(
    st.fixed_dictionaries(
        {"t": st.sampled_from(["sub", "ack", "ev", 1])},
        optional={
            "cursor": st.integers(),
            "seq": st.floats() | st.integers(),
            "epoch": st.uuids().map(str),
            "filter": st.lists(st.text()),
        },
    )
)
def test_half_right_frames_are_read_or_refused_with_their_place(parsed):
    try:
        frame = frames.decode_client(json.dumps(parsed))
    except BadFrame as error:
        assert str(error).startswith("/") or "not JSON" in str(error)
    else:
        assert frames.decode_client(frames.encode(frame)) == frame


def entry(seq: int) -> Entry:
    return Entry(Ev(seq, seq - 1, "alarm.raised", {}, None, None, FEED, NOW, NOW), "view_alarms")


@settings(deadline=None, max_examples=60)
@given(st.sets(st.integers(1, 40)), st.sets(st.integers(1, 40)), st.integers(0, 40), st.integers(0, 5))
def test_chain_is_gapless_and_holds_just_what_is_visible(behind_the_wall, hidden_from_user, after, beyond):
    to = 40 + beyond
    entries = tuple(entry(seq) for seq in range(1, 41) if seq not in behind_the_wall)
    page = Page(Head(FEED, UUID(int=0), to, 1, 0), 0, to, entries)
    position, seen = after, []
    for link in page.chain(after, lambda item: None if item.frame.seq in hidden_from_user else item):
        frame = link.frame if isinstance(link, Entry) else link
        assert frame.prev == position
        position = frame.seq if isinstance(frame, Ev) else frame.to
        seen += [frame.seq] if isinstance(frame, Ev) else []
    assert position == to
    assert seen == [seq for seq in range(after + 1, 41) if seq not in behind_the_wall | hidden_from_user]


def test_list_as_filter_is_one_of_kinds():
    text = json.dumps({"t": "sub", "cursor": 0, "epoch": str(FEED), "filter": ["alarm."]})
    assert frames.decode_client(text) == Sub(0, FEED, Filter(kinds=("alarm.",)))


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Filter(), True),
        (Filter(kinds=("plan.", "alarm.")), True),
        (Filter(kinds=("plan.",)), False),
        (Filter(sites=(FEED,)), True),
        (Filter(sites=(uuid4(),)), False),
        (Filter(equipment=(FEED,)), False),
        (Filter(severities=("critical", "high")), True),
        (Filter(severities=("low",)), False),
        (Filter(kinds=("alarm.",), sites=(FEED,), severities=("low",)), False),
    ],
)
def test_event_has_to_fit_every_criterion_and_one_value_of_each(wanted, fits):
    assert wanted.wants("alarm.raised", FEED, None, {"severity": "critical"}) is fits
