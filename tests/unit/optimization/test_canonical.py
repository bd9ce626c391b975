"""The text that a digest is taken of, to the byte."""

import hashlib

import pytest

from optimization.canonical import canonical_json, digest_of


def test_text_is_sorted_without_spaces_in_utf8_and_floats_by_repr():
    document = {"b": [1, 1.0, 0.1, 1e-7, True, None], "a": {"é": "→", "Z": "\n"}}
    text = '{"a":{"Z":"\\n","é":"→"},"b":[1,1.0,0.1,1e-07,true,null]}'
    assert canonical_json(document) == text.encode("utf-8")
    assert digest_of(document) == hashlib.sha256(text.encode()).hexdigest()


def test_order_of_keys_does_not_matter_and_any_other_change_does():
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert len({digest_of(each) for each in ([1, 2], [2, 1], [1, 2.0], ["1", 2], {"1": 2})}) == 5


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_json_has_no_text(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": value})
