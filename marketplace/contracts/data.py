"""What a contract consists of and how its money is counted: integers in minor units, shares in basis points. Pure.

The rounding rule, in one place: a share of an amount is rounded half up to whole minor units, once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Final

from tenants.data import FieldError, Invalid

WHOLE_BP: Final = 10_000
MOST_MILESTONES: Final = 50
TITLE_CHARS: Final = 200
WORDS_CHARS: Final = 2_000
NUMBER_CHARS: Final = 60
LATEST_D: Final = 3660
TAX_BP: Final = 5_000
TOLERANCE_BP: Final = 1_000
AMOUNT_MINOR: Final = 2 * 10**15
BLIND_D: Final = 14
STARS: Final = (1, 5)


@dataclass(frozen=True, slots=True)
class Share:
    """A milestone as it is agreed: its part of the price, due `due_d` days after the contract."""

    title: str
    share_bp: int
    due_d: int

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Share":
        return cls(str(document["title"]), int(document["share_bp"]), int(document["due_d"]))


def refuse_bad_shares(shares: Sequence[Share]) -> None:
    """Invalid with a pointer for each milestone that won't do; the shares make up the whole price."""
    errors = tuple(_errors(shares))
    if errors:
        raise Invalid("The milestones are not acceptable.", errors)


def _errors(shares: Sequence[Share]) -> Iterator[FieldError]:
    if not 1 <= len(shares) <= MOST_MILESTONES:
        yield FieldError("/milestones", f"give 1 to {MOST_MILESTONES}")
    if sum(share.share_bp for share in shares) != WHOLE_BP:
        yield FieldError("/milestones", f"their shares sum to {WHOLE_BP} basis points")
    for n, share in enumerate(shares):
        if not share.title.strip() or len(share.title) > TITLE_CHARS:
            yield FieldError(f"/milestones/{n}/title", f"give 1 to {TITLE_CHARS} characters")
        if share.share_bp < 1:
            yield FieldError(f"/milestones/{n}/share_bp", "give at least 1 basis point")
        if not 0 <= share.due_d <= LATEST_D:
            yield FieldError(f"/milestones/{n}/due_d", f"give 0 to {LATEST_D} days")


def part_of(amount_minor: int, share_bp: int) -> int:
    """Half up: 0.5 becomes 1. Amounts are not negative."""
    return (2 * amount_minor * share_bp + WHOLE_BP) // (2 * WHOLE_BP)


def amounts_of(price_minor: int, shares_bp: Sequence[int]) -> list[int]:
    """The price in parts that sum to it exactly: what is rounded is each sum up to a milestone."""
    sums = [0, *(part_of(price_minor, share_bp) for share_bp in accumulate(shares_bp))]
    return [after - before for before, after in pairwise(sums)]


@dataclass(frozen=True, slots=True)
class Matched:
    """The three that have to agree: line of the contract, receipt, line of the invoice. All amounts without tax."""

    agreed_minor: int
    received_minor: int
    invoiced_minor: int
    tax_minor: int
    tax_bp: int
    tolerance_bp: int

    def mismatches(self) -> list[str]:
        """In words, which of them do not agree; none if the invoice may be paid."""
        found = []
        if self._is_beyond(self.invoiced_minor, self.received_minor):
            found.append(f"the invoice asks for {self.invoiced_minor}, the receipt says {self.received_minor}")
        if self.invoiced_minor > self.agreed_minor + part_of(self.agreed_minor, self.tolerance_bp):
            found.append(f"the invoice asks for {self.invoiced_minor}, the contract says {self.agreed_minor}")
        due = part_of(self.invoiced_minor, self.tax_bp)
        if self.tax_minor != due:
            found.append(f"the tax is {self.tax_minor}, at the contract's rate it is {due}")
        return found

    def _is_beyond(self, one: int, other: int) -> bool:
        return abs(one - other) > part_of(other, self.tolerance_bp)
