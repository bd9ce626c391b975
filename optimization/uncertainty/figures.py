"""Figures of a fitted set as Plotly specifications, plain dictionaries: any Plotly draws them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import scipy

from optimization.uncertainty.checks import MeanTest
from optimization.uncertainty.estimation import FittedGrade
from optimization.uncertainty.mines import MineSet, covered_by
from optimization.uncertainty.samples import Group, Sample, grouped, place_words

Figure = dict[str, Any]
MOST_POINTS, MOST_PLACES, MOST_TESTS = 500, 60, 12
SAMPLE_COLOUR, SET_COLOUR, FEARED_COLOUR = "#7f8fa6", "#1f6fb2", "#c0392b"


def figures_of(held: Sequence[MineSet], samples: Sequence[Sample]) -> list[Figure]:
    """For each mine and element the samples with the set drawn over them, then the test of each place's mean."""
    made: list[Figure] = []
    for each in held:
        made.append(samples_and_set(each, samples))
        tested = [(grade, grade.test) for grade in each.fitted.grades if grade.test is not None]
        made += [statistic_and_critical(each.title, grade, test) for grade, test in tested[:MOST_TESTS]]
    return made


def samples_and_set(held: MineSet, samples: Sequence[Sample]) -> Figure:
    """Points by place with interval, mean and, in red, the end that is feared; grades in percent.

    Of many samples an even choice by rank is drawn that keeps the lowest and the highest; the title says so.
    """
    groups = grouped(covered_by(held, samples))
    shown = held.fitted.grades[:MOST_PLACES]
    drawn = {_group(grade): _picked(groups.get(_group(grade), ())) for grade in shown}
    names = {_group(grade): place_words(grade.location, grade.cutoff) for grade in shown}
    points = [(names[group], value) for group, values in drawn.items() for value in values]
    n_points, n_samples = len(points), sum(len(groups.get(group, ())) for group in names)
    is_unwanted, dots = held.fitted.options.is_unwanted, SAMPLE_COLOUR
    traces = [
        _points("samples", [name for name, _ in points], [100 * v for _, v in points], dots, "circle-open"),
        _intervals(names, shown),
        _points("mean γ", list(names.values()), [100 * g.gamma_frac for g in shown], SET_COLOUR, "diamond"),
        _points(
            "worst grade of the set",
            list(names.values()),
            [100 * (g.gamma_frac + (g.delta_frac if is_unwanted else -g.delta_frac)) for g in shown],
            FEARED_COLOUR,
            "line-ew-open",
        ),
    ]
    return _figure(traces, _title(held, n_points, n_samples), "", "grade, %")


def _title(held: MineSet, n_points: int, n_samples: int) -> str:
    known = [grade.coverage for grade in held.fitted.grades if grade.coverage]
    covered, n = sum(c.covered for c in known), sum(c.n for c in known)
    told = f": the set covers {covered} of {n} held-out samples" if n else ": too few samples to hold any out"
    few = "" if n_points == n_samples else f"; {n_points:,} of {n_samples:,} samples drawn"
    more = len(held.fitted.grades) - MOST_PLACES
    return f"{held.title}{told}{few}" + (f"; {more} more places not drawn" if more > 0 else "")


def statistic_and_critical(title: str, grade: FittedGrade, test: MeanTest) -> Figure:
    """Student's density with the critical values and the statistic of the place's samples."""
    reach = max(4.0, 1.2 * abs(test.t), 1.2 * test.critical_t)
    ts = [float(t) for t in np.linspace(-reach, reach, 161)]
    density = [float(p) for p in scipy.stats.t.pdf(ts, test.df)]
    traces = [
        {"type": "scatter", "mode": "lines", "name": f"t with {test.df:.4g} degrees of freedom", "x": ts, "y": density},
        *(_upright(f"critical {t:.3f}", t, max(density), SET_COLOUR) for t in (-test.critical_t, test.critical_t)),
        _upright(f"t = {test.t:.2f}", test.t, max(density), FEARED_COLOUR),
    ]
    where = f"{title}: {place_words(grade.location, grade.cutoff)}"
    return _figure(traces, f"{where}: {test.decision}", "t", "density")


def _group(grade: FittedGrade) -> Group:
    return grade.location, grade.cutoff


def _picked(samples: Sequence[Sample]) -> list[float]:
    """At most MOST_POINTS values, evenly by rank."""
    values = sorted(s.value_frac for s in samples)
    if len(values) <= MOST_POINTS:
        return values
    return [values[round(k * (len(values) - 1) / (MOST_POINTS - 1))] for k in range(MOST_POINTS)]


def _points(name: str, x: list[str], y: list[float], colour: str, symbol: str) -> Figure:
    marker = {"color": colour, "symbol": symbol, "size": 9 if symbol != "circle-open" else 5}
    return {"type": "scatter", "mode": "markers", "name": name, "x": x, "y": y, "marker": marker}


def _intervals(names: Mapping[Group, str], grades: Sequence[FittedGrade]) -> Figure:
    error = {
        "type": "data",
        "symmetric": False,
        "array": [100 * (g.high_frac - g.gamma_frac) for g in grades],
        "arrayminus": [100 * (g.gamma_frac - g.low_frac) for g in grades],
        "thickness": 8,
        "width": 0,
        "color": "rgba(31,111,178,0.35)",
    }
    means = _points("interval", list(names.values()), [100 * g.gamma_frac for g in grades], SET_COLOUR, "circle")
    return {**means, "error_y": error}


def _upright(name: str, x: float, height: float, colour: str) -> Figure:
    line = {"color": colour, "dash": "dash"}
    return {"type": "scatter", "mode": "lines", "name": name, "x": [x, x], "y": [0.0, height], "line": line}


def _figure(traces: list[Figure], title: str, x: str, y: str) -> Figure:
    axes = {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}}
    return {"data": traces, "layout": {"title": {"text": title}, **axes}}


def plot_data(held: Sequence[MineSet], samples: Sequence[Sample]) -> Iterator[dict[str, Any]]:
    """The numbers behind the figures: of each place its values in order of rank, picked as they are drawn."""
    for each in held:
        groups = grouped(covered_by(each, samples))
        for grade in each.fitted.grades:
            values = groups.get(_group(grade), ())
            place = {"mine": each.mine, "element": each.element, "location": grade.location, "cutoff": grade.cutoff}
            ends = {
                "low": grade.low_frac,
                "gamma": grade.gamma_frac,
                "delta": grade.delta_frac,
                "high": grade.high_frac,
            }
            yield {**place, **ends, "n": len(values), "values": _picked(values)}
