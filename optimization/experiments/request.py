"""What may be asked of a study: which, on what, how exactly; within bounds, or every reason why not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from optimization.data import InstanceError, Problem, SolveOptions
from optimization.experiments.cases import CASES, TABLE_1_SIZES, TABLE_2_SIZES, Size
from optimization.experiments.design import DRAWS
from optimization.request import MAX_DECISIONS

TABLES = {"table-1": TABLE_1_SIZES, "table-2": TABLE_2_SIZES}
SMALL = ("1-1-1-2", "2-1-2-2")
MOST_SIZES, MOST_DRAWS, MOST_THREADS = 20, 500, 8


@dataclass(frozen=True, slots=True)
class Asked:
    """Sizes and cases are empty when an instance of one's own is studied. `seed` is that of instances and draws."""

    sizes: tuple[Size, ...]
    cases: tuple[int, ...]
    seed: int
    draws: int
    options: SolveOptions

    def to_document(self) -> dict[str, Any]:
        """What `read_study` reads to an equal value."""
        limits = {key: value for key, value in asdict(self.options).items() if key != "seed"}
        studied = {"sizes": [str(size) for size in self.sizes], "cases": list(self.cases)} if self.sizes else {}
        return {**studied, "seed": self.seed, "draws": self.draws, **limits}


def read_study(given: object, *, is_own: bool, time_limit_s: float) -> Asked:
    """Options as a document; InstanceError with a pointer to each bad value below `/options`.

    `time_limit_s` is the most that one solve may take; an own instance takes no sizes and cases.
    """
    if not isinstance(given, Mapping):
        raise InstanceError([Problem("/options", f"must be an object with {', '.join(_readers(1))}")])
    readers, problems, read = _readers(time_limit_s), [], dict[str, Any]()
    for name, value in given.items():
        if name not in readers:
            problems.append(Problem("/options", f"{str(name)[:40]!r} is not an option: use {', '.join(readers)}"))
        elif is_own and name in ("sizes", "cases"):
            problems.append(Problem(f"/options/{name}", "belongs to generated instances: leave it out with your own"))
        else:
            problems += _read(name, value, readers[name], read)
    if problems:
        raise InstanceError(problems)
    asked = Asked(
        sizes=() if is_own else read.get("sizes", tuple(map(Size.parse, SMALL))),
        cases=() if is_own else read.get("cases", (1, 2)),
        seed=read.get("seed", 1),
        draws=read.get("draws", DRAWS),
        options=SolveOptions(
            read.get("gap", 0.01), read.get("time_limit_s", min(20.0, time_limit_s)), read.get("threads", 1)
        ),
    )
    if too_large := list(_too_large(asked)):
        raise InstanceError(too_large)
    return asked


def _read(name: str, value: object, reader: Callable[[object], Any], read: dict[str, Any]) -> Iterator[Problem]:
    try:
        read[name] = reader(value)
    except ValueError as error:
        yield Problem(f"/options/{name}", str(error))


def _readers(time_limit_s: float) -> dict[str, Callable[[object], Any]]:
    return {
        "sizes": _sizes,
        "cases": _cases,
        "seed": lambda value: _whole(value, 0, 2**31 - 1),
        "draws": lambda value: _whole(value, 1, MOST_DRAWS),
        "gap": lambda value: SolveOptions(gap=_number(value)).gap,
        "time_limit_s": lambda value: _limit(value, time_limit_s),
        "threads": lambda value: _whole(value, 1, MOST_THREADS),
    }


def _sizes(value: object) -> tuple[Size, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_SIZES or not all(isinstance(v, str) for v in value):
        raise ValueError(f"must be a list of 1 to {MOST_SIZES} sizes such as '3-2-2-3', or 'table-1', 'table-2'")
    found = [size for text in value for size in (TABLES[text] if text in TABLES else (Size.parse(text[:40]),))]
    return tuple(dict.fromkeys(found))


def _cases(value: object) -> tuple[int, ...]:
    numbers = range(1, len(CASES) + 1)
    if not isinstance(value, list) or not value or len(value) > len(CASES):
        raise ValueError(f"must be a list of numbers from 1 to {len(CASES)}, such as [1, 2, 3]")
    if wrong := [v for v in value if isinstance(v, bool) or v not in numbers]:
        raise ValueError(f"case {str(wrong[0])[:40]!r}: give numbers from 1 to {len(CASES)}, such as [1, 2, 3]")
    return tuple(dict.fromkeys(int(v) for v in value))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    return float(value) if abs(value) < 1e300 else math.inf


def _whole(value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"must be a whole number: give {least} or more, at most {most}")
    return value


def _limit(value: object, most_s: float) -> float:
    limit_s = SolveOptions(time_limit_s=_number(value)).time_limit_s
    if limit_s > most_s:
        raise ValueError(f"is above {most_s:g} s, the most that one solve may take here")
    return limit_s


def _too_large(asked: Asked) -> Iterator[Problem]:
    locations, cutoffs = (
        map(max, zip(*(CASES[case - 1] for case in asked.cases), strict=True)) if asked.cases else (0, 0)
    )
    for position, size in enumerate(asked.sizes):
        lanes = size.mines * size.centres * (1 + size.users)
        decisions = size.periods * (size.mines * locations * cutoffs + lanes)
        if decisions > MAX_DECISIONS:
            yield Problem(
                f"/options/sizes/{position}",
                f"{size} has {decisions:,} decisions: at most {MAX_DECISIONS:,} are solved",
            )
