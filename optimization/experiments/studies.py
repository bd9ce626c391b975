"""The studies: on what each may be run, how many solves it takes, its figures. No solver is loaded for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from optimization.data import InstanceError, Problem, SupplyChainInstance
from optimization.drawing import Figure
from optimization.experiments import figures
from optimization.experiments.cases import Subject, generated, given
from optimization.experiments.design import ABILITIES, SHARES, TORNADO, WAYS, budgets_of
from optimization.experiments.request import Asked
from optimization.experiments.store import Row

Figures = dict[str, Figure]
MOST_SOLVES = 2_000


@dataclass(frozen=True, slots=True)
class Study:
    """`n_solves` says how often `rows.rows_of` will ask the ledger; `figures` is pure."""

    shows: str
    n_solves: Callable[[Subject, Asked], int]
    figures: Callable[[Sequence[Row]], Figures]


def subjects_of(asked: Asked, own: SupplyChainInstance | None = None) -> list[Subject]:
    """Size by size, case by case; or the one instance of one's own."""
    if own is not None:
        return [given(own, asked.seed)]
    return [generated(size, case, asked.seed) for size in asked.sizes for case in asked.cases]


def n_solves(kind: str, asked: Asked, subjects: Sequence[Subject]) -> int:
    return sum(STUDIES[kind].n_solves(subject, asked) for subject in subjects)


def require_affordable(kind: str, asked: Asked, subjects: Sequence[Subject], *, total_s: float) -> int:
    """The number of solves; InstanceError when together, each to its limit, they could take longer than `total_s`."""
    count = n_solves(kind, asked, subjects)
    limit_s = asked.options.time_limit_s
    if count > MOST_SOLVES:
        raise InstanceError([Problem("/options", f"make {count:,} solves: at most {MOST_SOLVES:,}; ask for less")])
    if count * limit_s > total_s:
        told = f"{count} solves of up to {limit_s:g} s may take {count * limit_s:,.0f} s, more than {total_s:,.0f} s"
        raise InstanceError([Problem("/options/time_limit_s", f"{told}: give {total_s / count:.1f} s or ask for less")])
    return count


def figures_of(kind: str, rows: Sequence[Row]) -> Figures:
    """By their names; each title says what the rows show."""
    return STUDIES[kind].figures(rows)


def conclusions_of(kind: str, rows: Sequence[Row]) -> list[str]:
    return [figures.title_of(figure) for figure in figures_of(kind, rows).values()]


def _by_meaning(rows: Sequence[Row]) -> Figures:
    return {way: figures.boxes([r for r in rows if r["meaning"] == way]) for way in ("replan", "keep")}


def _by_size(rows: Sequence[Row]) -> Figures:
    return {name: figures.lines(part) for name, part in _parts(rows, lambda row: str(row.get("size", "own")))}


def _by_case(draw: Callable[[Sequence[Row]], Figure]) -> Callable[[Sequence[Row]], Figures]:
    def drawn(rows: Sequence[Row]) -> Figures:
        return {name: figures.titled(draw(part), _told(part[0])) for name, part in _parts(rows, _case)}

    return drawn


def _case(row: Row) -> str:
    return f"{row['size']}-case-{row['case']}" if "size" in row else "own"


def _told(row: Row) -> str:
    return f"{row['size']}, case {row['case']}: " if "size" in row else ""


def _parts(rows: Sequence[Row], name: Callable[[Row], str]) -> list[tuple[str, list[Row]]]:
    return [(key, list(part)) for key, part in groupby(rows, name)]


def _of_silos(rows: Sequence[Row]) -> Figures:
    changes = _by_case(figures.silo_changes)(rows)
    return {**_by_case(figures.silo_bars)(rows), **{f"{name}-change": figure for name, figure in changes.items()}}


def _constant(count: int) -> Callable[[Subject, Asked], int]:
    return lambda subject, asked: count


STUDIES: dict[str, Study] = {
    "robustness": Study(
        "Table 1: what disturbed grades do to the cost, and to a plan that is kept",
        lambda subject, asked: asked.draws + 1,
        _by_meaning,
    ),
    "sensitivity": Study(
        "Table 2: cost against mining ability, its trend, and whether it falls as it must",
        _constant(len(ABILITIES)),
        _by_size,
    ),
    "tornado": Study(
        "which parameter moves the cost most",
        _constant(1 + 2 * len(TORNADO)),
        _by_case(figures.tornado_bars),
    ),
    "ways": Study(
        "nominal, sampled scenarios and robust, judged on draws that none has seen",
        _constant(len(WAYS)),
        _by_case(figures.ways),
    ),
    "protection": Study(
        "the price of robustness and the chance of missing demand over Γ",
        lambda subject, asked: len(budgets_of(subject.most_locations)),
        _by_case(figures.protection),
    ),
    "silos": Study(
        "mines that plan for themselves against one plan for all",
        _constant(2),
        _of_silos,
    ),
    "replanning": Study(
        "mining 30 % dearer: cost when no more than a share of the plan may change",
        _constant(1 + len(SHARES)),
        _by_case(figures.freedom),
    ),
}


def kinds() -> dict[str, str]:
    """What each study shows, by its name."""
    return {name: study.shows for name, study in STUDIES.items()}
