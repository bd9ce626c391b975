"""One text for one document, on any machine."""

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.ledger.text import MAX_WHOLE, canonical_json

WHOLE = st.integers(-MAX_WHOLE, MAX_WHOLE)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.text(st.characters(max_codepoint=127))
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXT, lambda part: st.lists(part) | st.dictionaries(KEYS, part), max_leaves=20
)


@given(DOCUMENTS)
def test_canonical_text_says_the_same_and_is_its_own_canonical_text(document):
    text = canonical_json(document)
    assert json.loads(text) == document
    assert canonical_json(json.loads(text)) == text


def test_keys_are_in_order_and_only_what_must_be_escaped_is():
    """The examples of RFC 8785, section 3.2, without floats."""
    assert canonical_json({"b": '€$\u000f\nA\'B"\\\\"/', "a": [None, True, False, -7]}) == (
        '{"a":[null,true,false,-7],"b":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_times_are_written_in_utc_with_microseconds_and_keys_as_text():
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=8)))
    key = UUID(int=7)
    assert canonical_json([noon, noon.astimezone(UTC), key]) == (
        '["2026-01-01T04:00:00.000000Z","2026-01-01T04:00:00.000000Z","00000000-0000-0000-0000-000000000007"]'
    )


@pytest.mark.parametrize("value", [1.5, float("nan"), 2**53, b"bytes", object(), {1: "x"}, {"é": 1}])
def test_what_is_not_written_the_same_everywhere_is_refused(value):
    with pytest.raises(TypeError, match="The ledger takes"):
        canonical_json({"a": [value]})


def test_half_a_character_is_refused():
    with pytest.raises(ValueError, match="surrogates"):
        canonical_json("\ud800")
