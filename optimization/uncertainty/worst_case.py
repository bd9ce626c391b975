"""The exact minimum of a linear function over a set's factors: a small linear program, solved in fractions.

Dual simplex for bounded variables with Bland's rule (Bland 1977), on the condensed tableau. A variable with a negative
cost is replaced by 1 minus itself; then the start is dual feasible, and no first phase is needed. Numbers are exact
rationals, so there is no tolerance: the worst case is the worst case of the floats that were given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

Row = tuple[Mapping[int, float], float]
ZERO, ONE = Fraction(0), Fraction(1)


def minimum(cost: Sequence[float], rows: Sequence[Row]) -> Fraction | None:
    """min cost·zeta with 0 <= zeta <= 1 and sum_k a_k zeta_k <= limit for every row; None where the rows leave nothing.

    `rows` gives the coefficients by position of zeta, and the limit.
    """
    tableau = _start(cost, rows)
    while (leaving := tableau.leaving()) is not None:
        entering = tableau.entering(leaving)
        if entering is None:
            return None
        tableau.pivot(leaving, entering)
    return tableau.value


@dataclass(slots=True)
class _Tableau:
    """basic[r] = right[r] - sum_c body[r][c] nonbasic[c]; value = value + sum_c price[c] nonbasic[c], prices >= 0.

    Label 2k is zeta[k], 2k + 1 is 1 - zeta[k], and from 2 * n_bounded on come the slacks, which have no upper bound.
    """

    n_bounded: int
    value: Fraction
    price: list[Fraction]
    right: list[Fraction]
    body: list[list[Fraction]]
    basic: list[int]
    nonbasic: list[int]

    def leaving(self) -> int | None:
        """The row whose variable is below 0, after one above 1 was turned round; the smallest label first (Bland)."""
        below = [(label, r) for r, label in enumerate(self.basic) if self.right[r] < 0]
        above = [(self.basic[r] ^ 1, r) for r in range(len(self.basic)) if self._is_above(r)]
        if not below and not above:
            return None
        label, r = min(below + above)
        if label != self.basic[r]:
            self.basic[r], self.right[r] = label, ONE - self.right[r]
            self.body[r] = [-a for a in self.body[r]]
        return r

    def _is_above(self, r: int) -> bool:
        return self.basic[r] < 2 * self.n_bounded and self.right[r] > 1

    def entering(self, r: int) -> int | None:
        ratios = [(self.price[c] / -a, self.nonbasic[c], c) for c, a in enumerate(self.body[r]) if a < 0]
        return min(ratios)[2] if ratios else None

    def pivot(self, r: int, c: int) -> None:
        row, pivot = self.body[r], self.body[r][c]
        new_row = [a / pivot for a in row]
        new_row[c] = ONE / pivot
        new_right = self.right[r] / pivot
        for k in range(len(self.body)):
            if k != r and self.body[k][c]:
                self.right[k] -= self.body[k][c] * new_right
                self.body[k] = _less(self.body[k], new_row, c)
        self.value += self.price[c] * new_right
        self.price = _less(self.price, new_row, c)
        self.body[r], self.right[r] = new_row, new_right
        self.basic[r], self.nonbasic[c] = self.nonbasic[c], self.basic[r]


def _less(row: list[Fraction], new_row: list[Fraction], c: int) -> list[Fraction]:
    """The row with the entering variable put in; the leaving one takes its column."""
    factor = row[c]
    made = [a - factor * b for a, b in zip(row, new_row, strict=True)]
    made[c] = -factor * new_row[c]
    return made


def _start(cost: Sequence[float], rows: Sequence[Row]) -> _Tableau:
    costs = [Fraction(c) for c in cost]
    turned = [c < 0 for c in costs]
    right, body = [], []
    for coefficients, limit in rows:
        exact = [Fraction(coefficients.get(k, 0.0)) for k in range(len(costs))]
        right.append(Fraction(limit) - sum((a for a, turn in zip(exact, turned, strict=True) if turn), ZERO))
        body.append([-a if turn else a for a, turn in zip(exact, turned, strict=True)])
    n = len(costs)
    return _Tableau(
        n_bounded=n,
        value=sum((c for c in costs if c < 0), ZERO),
        price=[abs(c) for c in costs],
        right=right,
        body=body,
        basic=[2 * n + r for r in range(len(rows))],
        nonbasic=[2 * k + int(turn) for k, turn in enumerate(turned)],
    )
