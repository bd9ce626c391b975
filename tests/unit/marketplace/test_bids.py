"""The pure parts of bids: content, criteria, points, and what k of n openers can and fewer can't."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.bids.data import BidContent, Criterion, criteria_from
from marketplace.bids.evaluation import compare
from marketplace.bids.lifecycle import BidEvent, BidState, next_bid_state
from marketplace.bids.sealing import (
    Altered,
    Place,
    commitment_of,
    new_opener,
    private_key,
    receipt_text,
    seal,
    unseal,
    unseal_share,
)
from tenants.data import Conflict, Invalid

CONTENT = BidContent(price_minor=100, currency="USD", delivery_d=10)
PLACE = Place(UUID(int=1), UUID(int=2), UUID(int=3), 1)
WORDS = [f"a passphrase of {name}" for name in ("ann", "bob", "cem")]
OPENERS = {str(n): new_opener(words) for n, words in enumerate(WORDS)}
KEYS = {name: private_key(words, OPENERS[name][1]) for name, words in zip(OPENERS, WORDS, strict=True)}
PUBLIC = {name: public for name, (public, _) in OPENERS.items()}


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"price_minor": 0}, "/price_minor"),
        ({"delivery_d": 0}, "/delivery_d"),
        ({"validity_d": 731}, "/validity_d"),
        ({"method": "x" * 10_001}, "/method"),
        ({"people": "x" * 4_001}, "/people"),
        ({"due_d": (1, 0)}, "/due_d/1"),
    ],
)
def test_bid_out_of_bounds_is_named_by_its_place(changed, pointer):
    with pytest.raises(Invalid) as refused:
        replace(CONTENT, **changed)
    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_content_survives_its_document():
    content = replace(CONTENT, due_d=(3, 4), method="wie früher")
    assert BidContent.from_document(content.document) == content


@pytest.mark.parametrize(
    ("rows", "pointer"),
    [
        ([("Price", "price", 99)], "/criteria"),
        ([("Price", "price", 50), ("Price", "own", 50)], "/criteria/1/name"),
        ([("Price", "beauty", 100)], "/criteria/0/kind"),
        ([("Price", "price", 0), ("Care", "own", 100)], "/criteria/0/weight"),
    ],
)
def test_criteria_that_will_not_do_are_named_by_their_place(rows, pointer):
    with pytest.raises(Invalid) as refused:
        criteria_from([{"name": name, "kind": kind, "weight": weight} for name, kind, weight in rows])
    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_without_criteria_the_price_decides():
    assert criteria_from([]) == (Criterion("Price", "price", 100),)


@given(st.lists(st.tuples(st.integers(1, 10**15), st.integers(1, 3650)), min_size=1, max_size=6))
def test_cheapest_and_quickest_gets_full_points_and_nobody_more(offers):
    bids = {UUID(int=n): replace(CONTENT, price_minor=price, delivery_d=days) for n, (price, days) in enumerate(offers)}
    rows = compare(bids, [Criterion("P", "price", 60), Criterion("D", "delivery", 40)], {})
    assert all(0 <= row.points["P"] <= 100 and 0 <= row.total <= 100 for row in rows)
    assert max(row.points["P"] for row in rows) == max(row.points["D"] for row in rows) == 100
    assert [row.rank for row in rows] == sorted(row.rank for row in rows) and rows[0].rank == 1


def test_equal_totals_share_a_rank():
    rows = compare({UUID(int=n): CONTENT for n in range(2)}, criteria_from([]), {})
    assert [(row.rank, row.total) for row in rows] == [(1, Decimal(100))] * 2


def test_illegal_step_of_a_bid_says_what_is_possible():
    with pytest.raises(Conflict, match="possible now: submit, withdraw, open"):
        next_bid_state(BidState.SUBMITTED, BidEvent.WIN)


def shares_of(sealed, names, place=PLACE):
    return [share for name in names if (share := unseal_share(sealed, place, name, KEYS[name]))]


@pytest.mark.parametrize("needed", [1, 2, 3])
def test_any_of_the_needed_openers_open_and_fewer_can_not(needed):
    text = receipt_text(PLACE, CONTENT.document)
    sealed = seal(text, PLACE, PUBLIC, needed)
    for names in (["0", "1", "2"], ["2", "1", "0"]):
        assert unseal(sealed, PLACE, shares_of(sealed, names[:needed]), needed) == text
        with pytest.raises(Altered, match="share"):
            unseal(sealed, PLACE, shares_of(sealed, names[: needed - 1]), needed)


def test_share_opens_for_its_opener_alone_and_in_its_place_alone():
    sealed = seal("text", PLACE, PUBLIC, 2)
    assert unseal_share(sealed, PLACE, "0", KEYS["1"]) is None
    assert shares_of(sealed, ["0"], replace(PLACE, bid=UUID(int=9))) == []
    shares = shares_of(sealed, ["0", "1"])
    with pytest.raises(Altered, match="another bid"):
        unseal(sealed, replace(PLACE, firm=UUID(int=9)), shares, 2)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_one_changed_byte_of_the_sealed_text_is_found(at, flip):
    sealed = seal(receipt_text(PLACE, CONTENT.document), PLACE, PUBLIC, 2)
    stored = bytearray.fromhex(sealed["text"])
    stored[at % len(stored)] ^= flip
    with pytest.raises(Altered):
        unseal(sealed | {"text": stored.hex()}, PLACE, shares_of(sealed, ["0", "1"]), 2)


def test_same_bid_twice_has_two_commitments_so_that_nobody_finds_a_price_by_trying():
    texts = {receipt_text(PLACE, CONTENT.document) for _ in range(2)}
    assert len({commitment_of(text) for text in texts}) == 2


def test_wrong_passphrase_makes_another_key():
    public, salt = OPENERS["0"]
    assert private_key("a passphrase of eve", salt).public_key().public_bytes_raw() != public
