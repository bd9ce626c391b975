"""Seeded instances of any size with sane economics, feasible by construction also against the whole box of grades.

The construction keeps a reference plan in hand: every period each mine runs all locations at the last cut-off and ships
what is wanted at once. Abilities, the minimum grade and the lanes are set so that this plan holds when all grades fall.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from optimization.data import (
    BudgetSet,
    Centre,
    Cutoff,
    Demand,
    Location,
    MillLane,
    Mine,
    PerPeriod,
    SupplyChainInstance,
    UserLane,
)

# Slack of each ability over the reference plan: mining ability is the tight one, so that it binds.
MINING_SLACK, MILLING_SLACK, LANE_SLACK, GRADE_MARGIN = 1.06, 1.5, 1.3, 0.985
LARGEST_DEVIATION = 0.3


@dataclass(frozen=True, slots=True)
class GradeTonnageRow:
    """Above `cutoff_frac`: share of the tonnes, their mean grade and its standard deviation (all fractions)."""

    cutoff_frac: float
    tonnes_fraction_above: float
    mean_grade_above_frac: float
    std_grade_above_frac: float


def read_grade_tonnage(path: Path, deposit: str) -> tuple[GradeTonnageRow, ...]:
    """Rows of a deposit, "SITE" or "SITE:COMMODITY", of a CSV in percent; ValueError when it is not there."""
    site, _, commodity = deposit.partition(":")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["site"] == site and commodity in ("", row["commodity"])]
    commodities = sorted({row["commodity"] for row in rows})
    if not rows or len(commodities) > 1:
        found = f"has several commodities {commodities}: give SITE:COMMODITY" if rows else "is not in the file"
        raise ValueError(f"deposit {deposit!r} {found} ({path})")
    return tuple(_grade_tonnage_row(row) for row in rows if row["mean_grade_above"])


def _grade_tonnage_row(row: dict[str, str]) -> GradeTonnageRow:
    percent = (row["cutoff"], row["mean_grade_above"], row["std_grade_above"])
    cutoff, mean, std = (float(value) / 100 for value in percent)
    return GradeTonnageRow(cutoff, float(row["tonnes_fraction_above"]), mean, std)


def generate(
    n_mines: int,
    n_centres: int,
    n_users: int,
    n_periods: int,
    n_locations: int,
    n_cutoffs: int,
    seed: int,
    *,
    grade_tonnage: Sequence[GradeTonnageRow] | None = None,
    density: float = 1.0,
) -> SupplyChainInstance:
    """A deterministic instance of the given size with the budget set Γ = 1 per mine (fewer locations: Γ = |I|).

    With `grade_tonnage` the cut-off options of every location follow that table, spread over its shares of tonnage from
    95 to 40 %; the deviation is half its standard deviation (four blocks blended a period). `density` is the share of
    the centres and of the users that a mine has to do with, at least one of each. ValueError: size < 1, or a density
    that is not above 0 and at most 1.
    """
    _require_sizes(n_mines, n_centres, n_users, n_periods, n_locations, n_cutoffs)
    if not 0 < density <= 1:
        raise ValueError(f"density must be above 0 and at most 1, got {density}")
    rng = random.Random(seed)
    options = _options(n_cutoffs, grade_tonnage)
    users = tuple(f"user {s + 1}" for s in range(n_users))
    centres = tuple(f"centre {n + 1}" for n in range(n_centres))
    # A generator of its own: what is drawn for density 1 does not depend on the choice.
    choice = random.Random(seed)
    buyers = [_some(choice, users, density) for _ in range(n_mines)]
    ports = {f"mine {m + 1}": _some(choice, centres, density) for m in range(n_mines)}
    demands = tuple(
        Demand(f"mine {m + 1}", user, _wave(rng, rng.uniform(4_000, 12_000) / len(buyers[m]), n_periods))
        for m in range(n_mines)
        for user in buyers[m]
    )
    mines = tuple(_mine(rng, f"mine {m + 1}", options, demands, n_locations) for m in range(n_mines))
    wanted = {mine.name: _wanted(mine.name, demands, n_periods) for mine in mines}
    return SupplyChainInstance(
        name=f"generated {n_mines}-{n_centres}-{n_users}-{n_periods} ({n_locations}x{n_cutoffs}, seed {seed})"
        + (f" density {density:g}" if density < 1 else ""),
        periods=tuple(f"period {t + 1}" for t in range(n_periods)),
        mines=mines,
        centres=tuple(_centre(rng, name, wanted, n_centres) for name in centres),
        users=users,
        mill_lanes=tuple(_mill_lane(rng, m, n, wanted[m], len(ports[m])) for m in wanted for n in ports[m]),
        user_lanes=tuple(_user_lane(rng, n, user, n_periods) for n in centres for user in users),
        demands=demands,
        uncertainty=BudgetSet((float(min(1, n_locations)),) * n_mines),
    )


def _some(choice: random.Random, names: tuple[str, ...], density: float) -> tuple[str, ...]:
    """That share of the names, in their order."""
    chosen = set(choice.sample(range(len(names)), max(1, round(density * len(names)))))
    return tuple(name for k, name in enumerate(names) if k in chosen)


def _require_sizes(*sizes: int) -> None:
    if min(sizes) < 1:
        raise ValueError(f"every size must be 1 or more, got {sizes}")


def _options(n_cutoffs: int, table: Sequence[GradeTonnageRow] | None) -> tuple[GradeTonnageRow, ...]:
    """One row a cut-off, from much poor ore to little rich ore."""
    shares = [0.95 - 0.55 * j / max(1, n_cutoffs - 1) for j in range(n_cutoffs)]
    if table is None:
        return tuple(GradeTonnageRow(0.6 - 0.5 * q, q, 0.62 - 0.3 * q, 0.05 + 0.03 * q) for q in shares)
    rows = sorted(
        {min(table, key=lambda row: abs(row.tonnes_fraction_above - q)) for q in shares}, key=lambda r: r.cutoff_frac
    )
    if len(rows) < n_cutoffs:
        raise ValueError(
            f"the grade–tonnage table supports {len(rows)} different cut-offs, not {n_cutoffs}: ask for fewer"
        )
    return tuple(rows)


def _wave(rng: random.Random, level: float, n_periods: int) -> PerPeriod:
    return tuple(round(level * rng.uniform(0.6, 1.4), 1) for _ in range(n_periods))


def _flat(value: float, n_periods: int) -> PerPeriod:
    return (round(value, 4),) * n_periods


def _wanted(mine: str, demands: Sequence[Demand], n_periods: int) -> PerPeriod:
    return tuple(sum(d.D[t] for d in demands if d.mine == mine) for t in range(n_periods))


def _mine(
    rng: random.Random, name: str, options: Sequence[GradeTonnageRow], demands: Sequence[Demand], n_locations: int
) -> Mine:
    n_periods = len(demands[0].D)
    beta = round(rng.uniform(0.4, 0.6), 3)
    ore = [tonnes / beta for tonnes in _wanted(name, demands, n_periods)]
    locations = tuple(_location(rng, i, options, max(ore) / n_locations, n_periods) for i in range(n_locations))
    rich = [location.cutoffs[-1] for location in locations]
    share = [j.xmax[0] / sum(k.xmax[0] for k in rich) for j in rich]
    resource = sum(part * j.a[0] for part, j in zip(share, rich, strict=True))
    worst = sum(part * (j.gamma[0] - j.delta[0]) for part, j in zip(share, rich, strict=True))
    least = round(0.1 * max(ore) * beta, 1)
    return Mine(
        name=name,
        pc=round(rng.uniform(3, 6), 2),
        h=round(rng.uniform(0.5, 1.5), 3),
        alpha=round(GRADE_MARGIN * worst, 5),
        beta=beta,
        u0=least,
        P=tuple(round(MINING_SLACK * resource * tonnes, 1) for tonnes in ore),
        Q=_flat(MILLING_SLACK * max(ore), n_periods),
        Umin=_flat(least, n_periods),
        Umax=_flat(least + 1.5 * max(ore) * beta, n_periods),
        locations=locations,
    )


def _location(
    rng: random.Random, i: int, options: Sequence[GradeTonnageRow], ore_share_t: float, n_periods: int
) -> Location:
    """Cheap ore needs many equipment hours and the other way round, so that mining ability prices the mix."""
    ease, richness = rng.random(), rng.uniform(0.94, 1.06)
    ore_t = ore_share_t * rng.uniform(1.15, 1.6) / options[-1].tonnes_fraction_above
    cutoffs = []
    for j, option in enumerate(options):
        stripping = 1 / option.tonnes_fraction_above
        gamma = min(0.95, option.mean_grade_above_frac * richness)
        cutoff = Cutoff(
            name=f"cut-off {option.cutoff_frac:.3f}",
            c=round((6 + 6 * ease) * (0.6 + 0.4 * stripping) * rng.uniform(0.95, 1.05), 3),
            K=_flat(rng.uniform(0.5, 1.2) * ore_share_t * (1 + 0.1 * j), n_periods),
            a=_flat((1.5 - 0.9 * ease) * (0.7 + 0.3 * stripping) / 100, n_periods),
            xmax=_flat(ore_t * option.tonnes_fraction_above, n_periods),
            gamma=_flat(gamma, n_periods),
            delta=_flat(min(option.std_grade_above_frac / 2, LARGEST_DEVIATION * gamma), n_periods),
        )
        cutoffs.append(cutoff)
    return Location(f"location {i + 1}", tuple(cutoffs))


def _centre(rng: random.Random, name: str, wanted: dict[str, PerPeriod], n_centres: int) -> Centre:
    total = [sum(period) for period in zip(*wanted.values(), strict=True)]
    return Centre(name, _flat(rng.uniform(0.4, 0.8) * max(total) / n_centres, len(total)))


def _mill_lane(rng: random.Random, mine: str, centre: str, wanted: PerPeriod, n_centres: int) -> MillLane:
    return MillLane(
        mine=mine,
        centre=centre,
        f=round(rng.uniform(2, 6), 2),
        g=round(rng.uniform(0.3, 1.0), 3),
        w0=0.0,
        F=_flat(rng.uniform(0.4, 1.0) * max(wanted), len(wanted)),
        R=_flat(LANE_SLACK * max(wanted) * (1 if n_centres == 1 else rng.uniform(1, 2) / n_centres), len(wanted)),
    )


def _user_lane(rng: random.Random, centre: str, user: str, n_periods: int) -> UserLane:
    return UserLane(centre, user, e=round(rng.uniform(2, 8), 2), G=_flat(rng.uniform(600, 2_000), n_periods))
