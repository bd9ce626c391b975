"""Bids held against one another: points by criterion, weighted totals, ranks. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from marketplace.bids.data import WHOLE, BidContent, Criterion

FULL: Final = Decimal(100)
CENT: Final = Decimal("0.01")
MEASURES: Final = {"price": "price_minor", "delivery": "delivery_d"}


@dataclass(frozen=True, slots=True)
class Compared:
    """A bid's points (0 to 100) by criterion's name, None where the owner has given none yet; `total` once all are
    there, `rank` 1 for the highest total."""

    bid_id: UUID
    points: dict[str, Decimal | None]
    total: Decimal | None
    rank: int | None = None


def compare(
    offers: Mapping[UUID, BidContent], criteria: Sequence[Criterion], given: Mapping[tuple[UUID, str], int]
) -> list[Compared]:
    """Best first, those without a total last. `offers` are all the bids that stand; `given` by bid and criterion."""
    rows = [_compared(bid_id, offers, criteria, given) for bid_id in offers]
    totals = [row.total for row in rows if row.total is not None]
    ranked = [
        Compared(row.bid_id, row.points, row.total, 1 + sum(other > row.total for other in totals))
        if row.total is not None
        else row
        for row in rows
    ]
    return sorted(ranked, key=lambda row: (row.total is None, -(row.total or 0), str(row.bid_id)))


def _compared(
    bid_id: UUID,
    offers: Mapping[UUID, BidContent],
    criteria: Sequence[Criterion],
    given: Mapping[tuple[UUID, str], int],
) -> Compared:
    points = {each.name: _points(bid_id, each, offers, given) for each in criteria}
    parts = [None if (scored := points[each.name]) is None else scored * each.weight for each in criteria]
    known = [part for part in parts if part is not None]
    total = (sum(known, Decimal()) / WHOLE).quantize(CENT) if len(known) == len(parts) else None
    return Compared(bid_id, points, total)


def _points(
    bid_id: UUID, criterion: Criterion, offers: Mapping[UUID, BidContent], given: Mapping[tuple[UUID, str], int]
) -> Decimal | None:
    """Of price and delivery: least over own, times 100."""
    if criterion.kind not in MEASURES:
        found = given.get((bid_id, criterion.name))
        return None if found is None else Decimal(found)
    measure = MEASURES[criterion.kind]
    least = min(getattr(offer, measure) for offer in offers.values())
    return (FULL * least / getattr(offers[bid_id], measure)).quantize(CENT)
