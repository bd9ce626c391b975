"""The sizes and cases of the paper's tables, as seeded instances, and how their data are disturbed or scaled.

The paper's counts of locations and cut-offs in its five cases are not available: CASES are ours, from small to large.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from optimization.data import (
    Cutoff,
    Mine,
    NominalSet,
    PerPeriod,
    SolveOptions,
    SolveReport,
    SupplyChainInstance,
)
from optimization.experiments.store import Row
from optimization.generator import generate

CASES = ((2, 2), (2, 3), (3, 2), (3, 3), (4, 3))
MINE_FIELDS = ("P", "Q", "Umax", "alpha", "pc", "h")
CUTOFF_FIELDS = ("c", "K", "xmax", "delta")
LANE_FIELDS, USER_LANE_FIELDS = ("R", "f", "g", "F"), ("e", "G")
PARAMETERS = (*MINE_FIELDS, *CUTOFF_FIELDS, *LANE_FIELDS, *USER_LANE_FIELDS, "V", "D")


@dataclass(frozen=True, slots=True)
class Size:
    """Mines, centres, users, periods: "3-2-2-3"."""

    mines: int
    centres: int
    users: int
    periods: int

    @classmethod
    def parse(cls, text: str) -> Size:
        parts = text.split("-")
        if len(parts) != 4 or not all(part.isdecimal() and int(part) for part in parts):
            raise ValueError(f"size {text!r}: give mines-centres-users-periods, each 1 or more, such as 3-2-2-3")
        return cls(*map(int, parts))

    def __str__(self) -> str:
        return f"{self.mines}-{self.centres}-{self.users}-{self.periods}"


TABLE_1_SIZES = tuple(map(Size.parse, ("3-2-2-3", "4-3-3-5", "6-5-6-8", "8-5-12-10")))
TABLE_2_SIZES = (*TABLE_1_SIZES, *map(Size.parse, ("10-5-12-10", "15-5-15-10", "25-5-15-10", "30-5-20-10")))


def instance_of(size: Size, case: int, seed: int) -> SupplyChainInstance:
    """Case 1 to 5; ValueError beyond."""
    if not 1 <= case <= len(CASES):
        raise ValueError(f"case {case}: give 1 to {len(CASES)}")
    return generate(size.mines, size.centres, size.users, size.periods, *CASES[case - 1], seed)


@dataclass(frozen=True)
class Subject:
    """What is studied: `key` tells it from others, also in tables; the instance is made when it is first needed.

    `most_locations` is the number of locations of the mine that has most.
    """

    key: Row
    seed: int
    most_locations: int
    make: Callable[[], SupplyChainInstance]

    @cached_property
    def instance(self) -> SupplyChainInstance:
        return self.make()


def generated(size: Size, case: int, seed: int) -> Subject:
    """A case of the paper's tables."""
    key = {"size": str(size), "case": case, "seed": seed}
    return Subject(key, seed, CASES[case - 1][0], lambda: instance_of(size, case, seed))


def given(instance: SupplyChainInstance, seed: int) -> Subject:
    """An instance of one's own, told from others by the digest of its data."""
    digest = hashlib.sha256(instance.to_json().encode()).hexdigest()
    most = max(len(mine.locations) for mine in instance.mines)
    return Subject({"instance": digest[:16], "seed": seed}, seed, most, lambda: instance)


def drawn(instance: SupplyChainInstance, seed: int) -> SupplyChainInstance:
    """The instance with one draw of grades, then known: gamma - delta xi, xi uniform from -1 to 1.

    A location has one xi a period and element for all its cut-offs: they are cut from the same rock.
    """
    rng = random.Random(seed)
    mines = []
    for mine in instance.mines:
        elements = ["", *(element.name for element in mine.elements)]
        locations = []
        for location in mine.locations:
            falls = {element: [rng.uniform(-1, 1) for _ in instance.periods] for element in elements}
            locations.append(replace(location, cutoffs=tuple(_fallen(j, falls) for j in location.cutoffs)))
        mines.append(replace(mine, locations=tuple(locations)))
    return replace(instance, mines=tuple(mines), uncertainty=NominalSet())


def _fallen(cutoff: Cutoff, falls: Mapping[str, list[float]]) -> Cutoff:
    others = tuple(replace(g, gamma=_moved(g.gamma, g.delta, falls[g.element])) for g in cutoff.grades)
    return replace(cutoff, gamma=_moved(cutoff.gamma, cutoff.delta, falls[""]), grades=others)


def _moved(gamma: PerPeriod, delta: PerPeriod, xi: list[float]) -> PerPeriod:
    return tuple(min(1.0, max(0.0, g - d * fall)) for g, d, fall in zip(gamma, delta, xi, strict=True))


def scaled(instance: SupplyChainInstance, parameter: str, factor: float) -> SupplyChainInstance:
    """Every value of a parameter of PARAMETERS times the factor; grades stay fractions and falls below the grade."""

    def each(rows: tuple[Any, ...], fields: tuple[str, ...]) -> tuple[Any, ...]:
        if parameter not in fields:
            return rows
        return tuple(replace(row, **{parameter: _times(getattr(row, parameter), factor)}) for row in rows)

    def mine(row: Mine) -> Mine:
        places = tuple(replace(i, cutoffs=tuple(map(_legal, each(i.cutoffs, CUTOFF_FIELDS)))) for i in row.locations)
        return replace(row, alpha=min(1.0, row.alpha), locations=places)

    if parameter not in PARAMETERS:
        raise ValueError(f"parameter {parameter!r}: give one of {', '.join(PARAMETERS)}")
    return replace(
        instance,
        mines=tuple(mine(row) for row in each(instance.mines, MINE_FIELDS)),
        centres=each(instance.centres, ("V",)),
        mill_lanes=each(instance.mill_lanes, LANE_FIELDS),
        user_lanes=each(instance.user_lanes, USER_LANE_FIELDS),
        demands=each(instance.demands, ("D",)),
    )


def _times(value: Any, factor: float) -> Any:
    return tuple(v * factor for v in value) if isinstance(value, tuple) else value * factor


def _legal(cutoff: Cutoff) -> Cutoff:
    return replace(cutoff, delta=tuple(map(min, cutoff.delta, cutoff.gamma)))


def key_of(subject: Subject, options: SolveOptions, study: str, **more: Any) -> Row:
    """Everything that decides a result."""
    limits = {"gap": options.gap, "time_limit_s": options.time_limit_s, "solver_seed": options.seed}
    return {**subject.key, "study": study, **more, **limits}


def row_of(report: SolveReport) -> Row:
    """What a table needs of a solve."""
    return {
        "termination": str(report.termination),
        "objective_usd": report.objective_usd,
        "dual_bound_usd": report.dual_bound_usd,
        "relative_gap": report.relative_gap,
        "elapsed_s": round(report.elapsed_s, 3),
        "is_hot": report.is_hot,
    }
