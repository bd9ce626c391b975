"""A variation as a planner would say it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from optimization.variations.form import Variation

ALL_OF = {"capacity": "all capacities", "price": "all prices", "freight": "all freight", "grade": "grades"}


def variation_words(variation: Variation, periods: Sequence[str]) -> str:
    """Such as `demand of user 2 +10 % in period 3 to period 6`; `periods` are those of the instance, in order."""
    when = "" if variation.periods is None else f" in {_when(variation.periods, periods)}"
    if variation.kind == "outage":
        return f"{_outage(variation)}{when}"
    names = " of " + ", ".join(variation.names.values()) if variation.names else ""
    return f"{_what(variation)}{names} {_amount(variation)}{when}"


def _what(variation: Variation) -> str:
    if variation.of is None:
        return ALL_OF.get(variation.kind, variation.kind)
    return variation.figures[0].words


def _outage(variation: Variation) -> str:
    names = " to ".join(variation.names.values())
    return {"mill": f"the mill of {names} is out", "lane": f"the lane {names} is out"}.get(
        str(variation.of), f"{names} is out"
    )


def _amount(variation: Variation) -> str:
    if variation.factor is None:
        return f"set to {variation.value:,.6g}"
    return f"{100 * (variation.factor - 1):+.4g} %" if variation.factor else "set to 0"


def _when(chosen: Sequence[str], periods: Sequence[str]) -> str:
    return ", ".join(first if first == last else f"{first} to {last}" for first, last in _runs(chosen, periods))


def _runs(chosen: Sequence[str], periods: Sequence[str]) -> Iterator[tuple[str, str]]:
    """First and last of each unbroken stretch, in the order of the periods."""
    positions = [t for t, period in enumerate(periods) if period in chosen]
    start = 0
    for k, t in enumerate(positions):
        if k + 1 == len(positions) or positions[k + 1] != t + 1:
            yield periods[positions[start]], periods[t]
            start = k + 1
