"""Detectors on the Numenta Anomaly Benchmark, scored as published, beside the published ones.

    python -m bench.nab                        # the files of ../shared/data/nab
    python -m bench.nab --corpus CHECKOUT      # all 58 files, from a checkout of the benchmark itself

The scoring follows Lavin and Ahmad, "Evaluating real-time anomaly detection algorithms: the Numenta Anomaly Benchmark"
(ICMLA 2015): the first detection in a window counts by a sigmoid of its place in it, every false one costs by its
distance from the window before, the first 15 % of a file (at most 750 rows) do not count, one threshold for the whole
corpus is chosen for the best score, and 0 is a detector that says nothing, 100 a perfect one.

With few files the choice of the threshold flatters. So ours are shown twice: at the threshold that is best for these
files, as the published scores are for theirs, and at 0.5, which is fixed in the code. Published detectors on the eight
files have the thresholds that were best for all 58.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_bridge.backtest import read_rows
from edge_bridge.rules.detector import Sample
from edge_bridge.rules.kinds import DETECTORS, RECOMMENDED
from edge_bridge.rules.trial import outcomes

SHARED = Path(__file__).resolve().parents[2] / "shared/data/nab"
PROBATION_FRAC, PROBATION_MOST = 0.15, 750
FAR = 3.0  # widths behind a window from which on a false detection costs in full
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """What a window that is found is worth, one that is missed costs, and a false detection costs."""

    found: float
    missed: float
    false: float


PROFILES: Mapping[str, Profile] = {
    "standard": Profile(1.0, 1.0, 0.11),
    "reward_low_FP_rate": Profile(1.0, 1.0, 0.22),
    "reward_low_FN_rate": Profile(1.0, 2.0, 0.11),
}


@dataclass(frozen=True)
class Series:
    """`windows`: first and last row of each; the rows before `begin` do not count."""

    name: str
    times_s: Floats
    values: Floats
    windows: tuple[tuple[int, int], ...]

    @property
    def begin(self) -> int:
        return min(int(PROBATION_FRAC * len(self.values)), PROBATION_MOST)


def sigmoid(place: npt.ArrayLike) -> Floats:
    """From +1 well inside a window over 0 at its right edge to -1 behind it; `place` in widths from that edge."""
    place = np.asarray(place, dtype=float)
    return np.where(place > FAR, -1.0, 2 / (1 + np.exp(5 * np.minimum(place, FAR))) - 1)


def worth(series: Series) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Of a detection at each row: its unweighted score, and its window (-1: none)."""
    n = len(series.values)
    rows, worths, inside = np.arange(n), np.full(n, -1.0), np.full(n, -1)
    starts = [first for first, _ in series.windows[1:]] + [n] * bool(series.windows)
    for index, ((first, last), until) in enumerate(zip(series.windows, starts, strict=True)):
        width = last - first + 1
        worths[first : last + 1] = sigmoid(-(last - rows[first : last + 1] + 1) / width) / sigmoid(-1.0)
        worths[last + 1 : until] = sigmoid((rows[last + 1 : until] - last) / (width - 1))
        inside[first : last + 1] = index
    return worths, inside


def changes(series: Series, scores: Floats, profile: Profile) -> tuple[float, Floats, Floats]:
    """The raw score without detections; then, as the threshold falls to each of these scores, what that adds."""
    worths, inside = worth(series)
    counted = np.arange(len(scores)) >= series.begin
    outside = counted & (inside < 0)
    at, added, silent = [scores[outside]], [worths[outside] * profile.false], 0.0
    for index in range(len(series.windows)):
        rows = np.flatnonzero(counted & (inside == index))
        if len(rows) == 0:
            continue
        silent -= profile.missed
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        best = np.maximum.accumulate(np.maximum(worths[rows] * profile.found, -profile.missed))
        at.append(scores[rows])
        added.append(np.diff(best, prepend=-profile.missed))
    return silent, np.concatenate(at), np.concatenate(added)


def best_threshold(corpus: Sequence[Series], scores: Sequence[Floats], profile: Profile) -> tuple[float, float]:
    """The one threshold for all files with the highest raw score, and that score."""
    parts = [changes(series, given, profile) for series, given in zip(corpus, scores, strict=True)]
    silent = sum(part[0] for part in parts)
    at, added = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
    order = np.argsort(-at, kind="stable")
    totals = silent + np.cumsum(added[order])
    last_of_equals = np.append(np.diff(at[order]) != 0, True)
    thresholds, totals = at[order][last_of_equals], totals[last_of_equals]
    best = int(np.argmax(totals))
    return (float(thresholds[best]), float(totals[best])) if totals[best] > silent else (1.1, silent)


def raw_score(series: Series, scores: Floats, threshold: float, profile: Profile) -> float:
    silent, at, added = changes(series, scores, profile)
    return silent + float(added[at >= threshold].sum())


def normalised(corpus: Iterable[Series], raw: float, profile: Profile) -> float:
    n_windows = sum(len(series.windows) for series in corpus)
    return 100 * (raw + profile.missed * n_windows) / (n_windows * (profile.found + profile.missed))


# The files -----------------------------------------------------------------------------------------------------------


def read_corpus(folder: Path) -> list[Series]:
    """Every labelled file that is there, in the order of the labels."""
    labels = json.loads((folder / "labels/combined_windows.json").read_text())
    return [_series(folder, name, labels[name]) for name in labels if (folder / "data" / name).exists()]


def _series(folder: Path, name: str, windows: list[list[str]]) -> Series:
    samples = [row.sample for row in read_rows(folder / "data" / name, "timestamp", "value", lambda words: None)]
    times_s = [sample.at_s for sample in samples]
    rows = tuple((times_s.index(_seconds(first)), times_s.index(_seconds(last))) for first, last in windows)
    return Series(name, np.array(times_s), np.array([sample.value for sample in samples]), rows)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def scored(series: Series, detector: str) -> Floats:
    """The detector's scores of one file, in one pass from its first row."""
    samples = map(Sample, series.times_s.tolist(), series.values.tolist())
    return np.array([outcome.score for outcome in outcomes(DETECTORS[detector].made({}), samples)])


def published_scores(folder: Path, detector: str, corpus: Sequence[Series]) -> list[Floats]:
    """A published detector's own scores, of which only the benchmark's checkout has a copy."""
    return [_published(folder / "results" / detector / series.name, detector) for series in corpus]


def _published(path: Path, detector: str) -> Floats:
    with path.with_name(f"{detector}_{path.name}").open(newline="") as file:
        return np.array([float(row["anomaly_score"]) for row in csv.DictReader(file)])


def published_raw(folder: Path, corpus: Sequence[Series]) -> dict[str, dict[str, float]]:
    """Of each published detector and profile: its raw scores of these files, summed; each at its own threshold."""
    names = {series.name for series in corpus}
    totals: dict[str, dict[str, float]] = {}
    with (folder / "scoreboard_per_file.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["File"] in names:
                of_detector = totals.setdefault(row["Detector"], dict.fromkeys(PROFILES, 0.0))
                of_detector[row["Profile"]] += float(row["Score"])
    return totals


# The table -----------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=SHARED, metavar="DIR")
    parser.add_argument(
        "--detector", action="append", choices=sorted(DETECTORS), help="default: all that need no limit"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    corpus = read_corpus(arguments.corpus)
    n_windows = sum(len(series.windows) for series in corpus)
    print(f"{len(corpus)} files, {n_windows} windows, {sum(len(series.values) for series in corpus)} rows")
    print(f"{'':28}" + "".join(f"{name:>22}" for name in PROFILES))
    for detector in arguments.detector or without_limits():
        _print_ours(corpus, detector, arguments.processes)
    for detector, numbers in _published_table(arguments.corpus, corpus):
        print(f"{detector:28}" + "".join(f"{number:22.1f}" for number in numbers))


def without_limits() -> list[str]:
    return ["ewma", "cusum", "page_hinkley", "gaussian_tail", "spike", RECOMMENDED]


def _print_ours(corpus: Sequence[Series], detector: str, processes: int) -> None:
    with ProcessPoolExecutor(processes) as pool:
        scores = list(pool.map(scored, corpus, [detector] * len(corpus)))
    best = [best_threshold(corpus, scores, profile) for profile in PROFILES.values()]
    shown = [
        f"{normalised(corpus, raw, profile):.1f} at {threshold:.3f}"
        for (threshold, raw), profile in zip(best, PROFILES.values(), strict=True)
    ]
    print(f"{'ours: ' + detector:28}" + "".join(f"{text:>22}" for text in shown))
    fixed = [_at_half(corpus, scores, profile) for profile in PROFILES.values()]
    print(f"{'':28}" + "".join(f"{f'{number:.1f} at 0.5':>22}" for number in fixed))


def _at_half(corpus: Sequence[Series], scores: Sequence[Floats], profile: Profile) -> float:
    raw = sum(raw_score(series, given, 0.5, profile) for series, given in zip(corpus, scores, strict=True))
    return normalised(corpus, raw, profile)


def _published_table(folder: Path, corpus: Sequence[Series]) -> list[tuple[str, list[float]]]:
    """Of the eight files from the scoreboard; of a whole checkout by scoring what its detectors said."""
    if (folder / "scoreboard_per_file.csv").exists():
        totals = published_raw(folder, corpus)
        table = [
            (name, [normalised(corpus, raws[key], PROFILES[key]) for key in PROFILES]) for name, raws in totals.items()
        ]
    else:
        names = sorted(path.name for path in (folder / "results").iterdir() if path.is_dir() and path.name != "null")
        table = [(name, _whole(corpus, published_scores(folder, name, corpus))) for name in names]
    return sorted(table, key=lambda row: -row[1][0])


def _whole(corpus: Sequence[Series], scores: Sequence[Floats]) -> list[float]:
    return [normalised(corpus, best_threshold(corpus, scores, profile)[1], profile) for profile in PROFILES.values()]


if __name__ == "__main__":
    main()
