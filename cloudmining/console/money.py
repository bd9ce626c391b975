"""Amounts as the pages show and read them."""

from tenants.money import DIGITS, in_words, to_minor

__all__ = ["DIGITS", "in_words", "to_minor"]
