"""Closed lists of words as Django's choices."""

from enum import StrEnum


def choices_of(enum: type[StrEnum]) -> list[tuple[str, str]]:
    return [(str(member), str(member)) for member in enum]
