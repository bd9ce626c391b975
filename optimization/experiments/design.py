"""What each study varies, and how far. No solver is needed to know it."""

from __future__ import annotations

DRAWS = 20
# Shares of the generated mining ability, which is 1.06 times what the construction needs: all of them are feasible.
ABILITIES = (0.95, 1.0, 1.05, 1.1, 1.2, 1.35, 1.5)
TORNADO = ("P", "Q", "alpha", "delta", "D", "V", "R", "c", "K", "pc", "f", "F", "e", "G")
CHANGE = 0.05
WAYS = ("nominal", "scenarios", "robust")
SAMPLES, JUDGES = 10, 200
SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)
DEARER_MINING = ("c", 1.3)
MOST_BUDGETS = 9


def budgets_of(most: int) -> list[float]:
    """Γ from 0 to all locations of the largest mine, in halves, or in as many steps as stay readable."""
    if 2 * most < MOST_BUDGETS:
        return [half / 2 for half in range(2 * most + 1)]
    return [round(most * k / (MOST_BUDGETS - 1), 1) for k in range(MOST_BUDGETS)]
