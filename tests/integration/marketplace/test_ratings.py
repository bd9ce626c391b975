"""What the two parties say of each other once their contract is closed."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.contracts import access, queries, ratings
from marketplace.contracts.data import BLIND_D
from marketplace.models import Rating
from tenants.data import Conflict, Invalid
from tests.integration.marketplace.contract_scenes import closed, written


def given(party, contract, stars):
    with party.acting():
        return ratings.rate(contract=access.get_contract(contract.pk), stars=stars, words=f"{stars} stars")


def seen(party, contract):
    with party.acting():
        return sorted(queries.ratings_of(contract).values_list("stars", flat=True))


def test_ratings_are_blind_until_both_are_given(aurora, borealis, cassia):
    contract = closed(aurora, borealis)
    given(borealis, contract, 4)
    assert (seen(aurora, contract), seen(borealis, contract)) == ([], [4])
    given(aurora, contract, 2)
    assert seen(aurora, contract) == seen(borealis, contract) == [2, 4]
    assert seen(cassia, contract) == []
    with pytest.raises(Conflict, match="already"):
        given(aurora, contract, 5)


def test_rating_is_read_alone_once_the_time_for_the_other_is_over(aurora, borealis):
    contract = closed(aurora, borealis)
    rating = given(aurora, contract, 1)
    assert rating.revealed_at == contract.closed_at + timedelta(days=BLIND_D)
    assert seen(borealis, contract) == []
    with aurora.acting():
        Rating.objects.filter(pk=rating.pk).update(revealed_at=datetime.now(UTC))
    assert seen(borealis, contract) == [1]
    given(borealis, contract, 5)
    assert seen(aurora, contract) == [1, 5]


def test_only_a_closed_contract_is_rated_with_one_to_five_stars(aurora, borealis):
    open_one = written(aurora, borealis)
    with pytest.raises(Conflict, match="once it is closed"):
        given(aurora, open_one, 3)
    contract = closed(aurora, borealis)
    for stars in (0, 6):
        with pytest.raises(Invalid, match="rating"):
            given(aurora, contract, stars)
