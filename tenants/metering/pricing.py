"""What a quantity costs. Integers in minor units, such as cents; nothing here is a float.

The rounding rule, in one place: a line is rounded half up to whole minor units, once; a total is the sum of its lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final


@dataclass(frozen=True, slots=True)
class Meter:
    """How a meter is called, and what one of its quantity is."""

    label: str
    unit: str


METERS: Final = {
    "readings_stored": Meter("Readings stored", "readings"),
    "feed_deliveries": Meter("Feed deliveries", "events"),
    "solver_seconds": Meter("Solver time", "seconds"),
    "shared_reads": Meter("Partners' rows read", "rows"),
    "accepted_tasks": Meter("Service tasks accepted", "tasks"),
    "session_minutes": Meter("Remote sessions", "minutes"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """`price_minor` for each `per` of what lies above `above`, up to the next step."""

    above: int
    price_minor: int
    per: int


@dataclass(frozen=True, slots=True)
class Part:
    """How much of a line's quantity falls into one step."""

    above: int
    price_minor: int
    per: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """One meter of a statement. `free` is how much of `quantity` costs nothing."""

    meter: str
    quantity: Decimal
    free: Decimal
    parts: tuple[Part, ...]
    amount_minor: int


def line_of(meter: str, quantity: Decimal, steps: Sequence[Step]) -> Line:
    """`steps` ascending; what lies below the first one is free, and so is everything where there is none."""
    parts = tuple(part for part in _parts(quantity, steps) if part.quantity)
    paid = [part for part in parts if part.price_minor]
    amount = sum((Fraction(part.quantity) * part.price_minor / part.per for part in paid), Fraction())
    free = quantity - sum((part.quantity for part in paid), Decimal())
    return Line(meter, quantity, free, parts, rounded(amount))


def _parts(quantity: Decimal, steps: Sequence[Step]) -> list[Part]:
    uppers = [*(Decimal(step.above) for step in steps[1:]), quantity]
    return [
        Part(step.above, step.price_minor, step.per, max(Decimal(), min(quantity, upper) - step.above))
        for step, upper in zip(steps, uppers, strict=False)  # without steps there is no upper end of one
    ]


def rounded(amount: Fraction) -> int:
    """Half up: 0.5 becomes 1."""
    return int((2 * amount.numerator + amount.denominator) // (2 * amount.denominator))
