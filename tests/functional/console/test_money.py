"""Amounts in words and in minor units, for currencies of two, no and three decimals."""

from decimal import Decimal

import pytest

from cloudmining.console.money import in_words, to_minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "words"),
    [
        ("1250.50", "USD", 125_050, "1,250.50 USD"),
        ("1250", "JPY", 1_250, "1,250 JPY"),
        ("1.234", "KWD", 1_234, "1.234 KWD"),
        ("0", "EUR", 0, "0.00 EUR"),
        ("1e9", "USD", 100_000_000_000, "1,000,000,000.00 USD"),
    ],
)
def test_amount_goes_to_minor_units_and_back_to_words(amount, currency, minor, words):
    assert to_minor(Decimal(amount), currency) == minor
    assert in_words(minor, currency) == words
