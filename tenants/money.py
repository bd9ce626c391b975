"""Amounts between a person's words, decimal numbers and integer minor units. Pure."""

from decimal import Decimal
from typing import Final

# ISO 4217: currencies whose minor unit is not a hundredth.
DIGITS: Final = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def to_minor(amount: Decimal, currency: str) -> int:
    """Minor units of an amount in `currency`, such as cents of dollars; rounded to the nearest."""
    return round(amount.scaleb(DIGITS.get(currency, 2)))


def in_words(minor: int, currency: str) -> str:
    """`1,250.00 USD`"""
    digits = DIGITS.get(currency, 2)
    return f"{Decimal(minor).scaleb(-digits):,.{digits}f} {currency}"


def in_units(minor: int, currency: str) -> float:
    """The amount as a number of whole units, as formats of others have it."""
    return float(Decimal(minor).scaleb(-DIGITS.get(currency, 2)))
