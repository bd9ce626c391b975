"""A detector over a recorded series, without a server: `python -m edge_bridge.backtest --help`.

One pass, no look-ahead, nothing chosen for the file. Exit codes: 0 the scores are written, 4 bad input, named with its
line and column on stderr; then nothing is written.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

from edge_bridge.rules.detector import Detector, Sample
from edge_bridge.rules.kinds import DETECTORS, RECOMMENDED
from edge_bridge.rules.thresholds import RuleError
from edge_bridge.rules.trial import outcomes

WRITTEN, BAD_INPUT = 0, 4
HEADER = ("timestamp", "score", "alarm")
SCORE_DIGITS = 9
HOUR_S = 3600.0


class BadInput(ValueError):
    """What is wrong with the input, where, and what to do."""


class Row(NamedTuple):
    """`at_text` as the file has it."""

    at_text: str
    sample: Sample


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(BAD_INPUT, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.list:
        print("\n".join(_listed()))
        return WRITTEN
    missing = [name for name in ("csv", "time", "value", "output") if getattr(arguments, name) is None]
    if missing:
        parser.error(f"--{missing[0]} is needed")
    try:
        detector = made_detector(arguments.detector, arguments.set)
        _write_scores(detector, arguments)
    except (BadInput, RuleError) as error:
        _tell(str(error))
        return BAD_INPUT
    except OSError as error:
        _tell(f"{error.filename}: {error.strerror}")
        return BAD_INPUT
    return WRITTEN


def _tell(words: str) -> None:
    print(words, file=sys.stderr)


def _parser() -> _Parser:
    parser = _Parser(prog="python -m edge_bridge.backtest", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--csv", type=Path, metavar="FILE", help="a table with a header, UTF-8")
    parser.add_argument(
        "--time", metavar="COL", help="column of times, ISO 8601 (UTC if no zone) or seconds since 1970"
    )
    parser.add_argument("--value", metavar="COL", help="column of numbers")
    parser.add_argument("--detector", metavar="NAME", default=RECOMMENDED, help=f"default: {RECOMMENDED}")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a parameter of the detector")
    parser.add_argument("--output", type=Path, metavar="SCORES.csv", help=f"columns {', '.join(HEADER)}")
    parser.add_argument("--list", action="store_true", help="name all detectors, with their parameters")
    return parser


def _listed() -> Iterator[str]:
    for name, kind in DETECTORS.items():
        if is_of_one_series(kind):
            mark = " (recommended)" if name == RECOMMENDED else ""
            yield f"{name}{mark}: {kind.purpose}"
            yield "    " + ", ".join(_parameter(each.name, each.default) for each in fields(kind))


def _parameter(name: str, default: Any) -> str:
    return f"{name} (needed)" if default is MISSING else f"{name}={default}"


def is_of_one_series(kind: type[Detector]) -> bool:
    return not any(each.name == "n" for each in fields(kind))


def made_detector(name: str, settings: Sequence[str]) -> Detector:
    """BadInput or RuleError in words."""
    kinds = [kind for kind in DETECTORS if is_of_one_series(DETECTORS[kind])]
    if name not in kinds:
        raise BadInput(f"--detector: {name!r} is not known for one series; known are {', '.join(kinds)}")
    given = [setting.partition("=") for setting in settings]
    broken = next((text for text, (key, mark, _) in zip(settings, given, strict=True) if not key or not mark), None)
    if broken is not None:
        raise BadInput(f"--set: {broken!r} must be NAME=VALUE")
    return DETECTORS[name].made({key: _typed(value) for key, _, value in given})


def _typed(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    for convert in (int, float):
        with suppress(ValueError):
            return convert(text)
    return text


# The series ----------------------------------------------------------------------------------------------------------


def read_rows(path: Path, time_column: str, value_column: str, tell: Callable[[str], None]) -> Iterator[Row]:
    """Rows in the order of time; BadInput names the line and the column. `tell` hears what is odd but can be read."""
    # utf-8-sig: spreadsheets put a byte order mark first, which would else become part of the first column's name.
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            yield from _rows(csv.reader(file, strict=True), path, time_column, value_column, tell)
        except UnicodeDecodeError as error:
            raise BadInput(f"{path}: is not UTF-8 text: {error.reason}; save it as UTF-8") from None
        except csv.Error as error:
            raise BadInput(f"{path}: is not CSV: {error}") from None


def _rows(reader: Any, path: Path, time_column: str, value_column: str, tell: Callable[[str], None]) -> Iterator[Row]:
    header = next(reader, None)
    if not header:
        raise BadInput(f"{path}: is empty; a header line with {time_column!r} and {value_column!r} is needed")
    time_index, value_index = (_index(path, header, name) for name in (time_column, value_column))
    order = _Order(tell)
    for cells in reader:
        if not cells:
            continue
        place = f"{path}: line {reader.line_num}"
        if len(cells) != len(header):
            raise BadInput(f"{place}: has {len(cells)} cells, the header has {len(header)}")
        at_s = _time(f"{place}, column {time_column!r}", cells[time_index])
        order.follow(f"{place}, column {time_column!r}", at_s)
        yield Row(cells[time_index], Sample(at_s, _number(f"{place}, column {value_column!r}", cells[value_index])))
    if not order.n_rows:
        raise BadInput(f"{path}: has a header but no rows")


class _Order:
    """Times must not fall, but where a clock is put back: exactly an hour less than the usual step."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.n_rows = 0
        self._tell = tell
        self._at_s = -math.inf
        self._step_s = 0.0

    def follow(self, place: str, at_s: float) -> None:
        step_s = at_s - self._at_s
        if step_s < 0:
            if step_s + HOUR_S != self._step_s:
                raise BadInput(f"{place}: is {-step_s:g} s before the row above; sort the rows by time")
            self._tell(f"{place}: the clock was put back by an hour; rows are taken as they stand")
        self.n_rows, self._at_s = self.n_rows + 1, at_s
        self._step_s = step_s if step_s > 0 else self._step_s


def _index(path: Path, header: list[str], name: str) -> int:
    if header.count(name) != 1:
        found = "is there twice" if name in header else f"is not there; there are {', '.join(header)}"
        raise BadInput(f"{path}: line 1: column {name!r} {found}")
    return header.index(name)


def _time(place: str, text: str) -> float:
    with suppress(ValueError):
        at_s = float(text)
        if math.isfinite(at_s):
            return at_s
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(f"{place}: {text!r} is not a time such as 2026-03-01T06:00:00Z") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _number(place: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise BadInput(f"{place}: {text!r} is not a number") from None
    if not math.isfinite(number):
        raise BadInput(f"{place}: {text!r} is not finite; leave the row out")
    return number


# The scores ----------------------------------------------------------------------------------------------------------


def _write_scores(detector: Detector, arguments: argparse.Namespace) -> None:
    """Whole or not at all: into a file beside the output, which then takes its place."""
    output: Path = arguments.output
    if output.is_dir():
        raise BadInput(f"{output}: is a directory; name a file")
    if output.exists() and arguments.csv.exists() and output.samefile(arguments.csv):
        raise BadInput(f"{output}: is the input itself; name another file")
    rows = read_rows(arguments.csv, arguments.time, arguments.value, _tell)
    with tempfile.NamedTemporaryFile("w", dir=output.parent, prefix=output.name, delete=False, newline="") as file:
        try:
            _write(file, detector, rows)
            file.close()
            os.chmod(file.name, 0o644)
            os.replace(file.name, output)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _write(file: IO[str], detector: Detector, rows: Iterator[Row]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADER)
    texts: list[str] = []

    def samples() -> Iterator[Sample]:
        for row in rows:
            texts.append(row.at_text)
            yield row.sample

    for outcome in outcomes(detector, samples()):
        writer.writerow((texts.pop(), round(outcome.score, SCORE_DIGITS), int(outcome.is_raised)))


if __name__ == "__main__":
    sys.exit(main())
