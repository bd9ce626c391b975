"""What may be asked of the solver: an instance and options as documents, within bounds, or every reason why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from optimization.data import InstanceError, Problem, SolveOptions, SupplyChainInstance
from optimization.instance_builder import build_instance

# Bounds on what one request may cost before the solver's own time limit holds: pairs of lanes are compared while the
# instance is read; measured, a decision takes 1 kB while the reduced program is built, and 6 kB in the whole program,
# where HiGHS takes as much again: half a gigabyte at 50,000, three at 200,000.
MAX_LANE_PAIRS = 2_000_000
MAX_NUMBERS = 300_000
MAX_DECISIONS = 200_000
MAX_WHOLE_DECISIONS = 50_000


def read_request(instance: object, options: object, *, time_limit_s: float) -> tuple[SupplyChainInstance, SolveOptions]:
    """The instance and the options, both validated; InstanceError with pointers below `/instance` and `/options`."""
    problems = list(_option_problems(options, time_limit_s))
    try:
        built = _built(instance)
    except InstanceError as error:
        raise InstanceError([*(Problem(f"/instance{p.path}", p.message) for p in error.problems), *problems]) from error
    if problems:
        raise InstanceError(problems)
    return built, _options(options)


def read_options(options: object, *, time_limit_s: float) -> SolveOptions:
    """The options alone; InstanceError with pointers below `/options`."""
    if problems := list(_option_problems(options, time_limit_s)):
        raise InstanceError(problems)
    return _options(options)


def _built(document: object) -> SupplyChainInstance:
    if not isinstance(document, Mapping):
        raise InstanceError([Problem("", "must be an object; GET plans/schema describes it")])
    if too_large := list(_size_problems(document)):
        raise InstanceError(too_large)
    instance = build_instance(document)
    options = sum(len(location.cutoffs) for mine in instance.mines for location in mine.locations)
    decisions = len(instance.periods) * (options + len(instance.mill_lanes) + len(instance.routes))
    if decisions > MAX_DECISIONS:
        raise InstanceError(
            [Problem("", f"has {decisions:,} yes-or-no decisions: at most {MAX_DECISIONS:,} are solved")]
        )
    if decisions > MAX_WHOLE_DECISIONS and not _is_reducible(instance):
        words = (
            f"has {decisions:,} yes-or-no decisions: with a polyhedron, a closing stock or very many cut-offs a mine"
        )
        raise InstanceError([Problem("", f"{words} at most {MAX_WHOLE_DECISIONS:,} are solved")])
    return instance


def _is_reducible(instance: SupplyChainInstance) -> bool:
    # HiGHS comes along with it; a web process that sees no large instance is spared its 30 MB.
    from optimization.decomposition.run import supports

    return supports(instance)


def _size_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Measured before anything is validated, so nothing is known of the types."""
    mill_lanes, user_lanes = len(_rows(document, "mill_lanes")), len(_rows(document, "user_lanes"))
    cutoffs = [
        cutoff
        for mine in _rows(document, "mines")
        for location in _rows(mine, "locations")
        for cutoff in _rows(location, "cutoffs")
    ]
    rows = mill_lanes + user_lanes + 4 * len(cutoffs) + 4 * len(_rows(document, "mines"))
    numbers = len(_rows(document, "periods")) * (rows + len(_rows(document, "demands")))
    if mill_lanes * user_lanes > MAX_LANE_PAIRS:
        given = f"{mill_lanes:,} x {user_lanes:,} lanes"
        yield Problem("/mill_lanes", f"{given} to combine: at most {MAX_LANE_PAIRS:,} pairs; leave out unused lanes")
    if numbers > MAX_NUMBERS:
        yield Problem("/periods", f"make {numbers:,} numbers with all rows: at most {MAX_NUMBERS:,}; use fewer periods")


def _rows(owner: object, key: str) -> list[Any]:
    found = owner.get(key) if isinstance(owner, Mapping) else None
    return found if isinstance(found, list) else []


def _options(given: Any) -> SolveOptions:
    return SolveOptions(**{name: kind(given[name]) for name, kind in _kinds().items() if name in given})


def _option_problems(given: object, time_limit_s: float) -> Iterator[Problem]:
    if not isinstance(given, Mapping):
        yield Problem("/options", "must be an object with gap, time_limit_s, threads, seed")
        return
    for name in given:
        message = _option_problem(name, given[name], time_limit_s)
        if message:
            yield Problem(f"/options/{name}" if name in _kinds() else "/options", message)


def _option_problem(name: str, value: object, time_limit_s: float) -> str | None:
    kind = _kinds().get(name)
    if kind is None:
        return f"{name[:40]!r} is not an option: use {', '.join(_kinds())}"
    if isinstance(value, bool) or not isinstance(value, int | kind):
        return f"must be a {'whole ' if kind is int else ''}number"
    try:
        chosen = SolveOptions(**{name: kind(value)})
    except OverflowError:
        return "is too large"
    except ValueError as error:
        return str(error)
    return f"is above {time_limit_s} s, the most a plan may take here" if chosen.time_limit_s > time_limit_s else None


def _kinds() -> dict[str, Any]:
    """Type of each option: int or float."""
    return {each.name: type(each.default) for each in fields(SolveOptions)}
