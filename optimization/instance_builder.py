"""From a document (JSON text, workbook rows, database rows) to a validated `SupplyChainInstance` or `Plan`.

The one place where Decimal becomes float and percent becomes fraction. Every refusal names the place as a JSON pointer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from statistics import median
from typing import Any

from optimization.data import (
    SET_KINDS,
    BoxSet,
    BudgetSet,
    Centre,
    Cutoff,
    Demand,
    Element,
    ElementGrade,
    GradeRow,
    GradeTerm,
    InstanceError,
    Location,
    MillLane,
    Mine,
    PerPeriod,
    Plan,
    PolyhedronSet,
    Problem,
    SupplyChainInstance,
    UncertaintySet,
    UserLane,
)
from optimization.documents import document_from_json, plain_document, raise_if, schema_problems
from optimization.uncertainty.rules import (
    budget_problems,
    element_problems,
    empty_set_problems,
    grade_problems,
    polyhedron_problems,
)

NOT_PER_PERIOD = frozenset({"locations", "elements", "grades", "terms"})
SCALE = 1e6
KEY_LENGTH = {"x": 4, "d": 4, "y": 2, "u": 2, "v": 3, "p": 3, "w": 3, "z": 4, "q": 4}


def instance_from_json(text: str) -> SupplyChainInstance:
    """Parse and validate; InstanceError on anything that is not a complete, consistent instance."""
    return build_instance(document_from_json(text))


def build_instance(document: Mapping[str, Any], *, grades_in_percent: bool = False) -> SupplyChainInstance:
    """Validate a document of instance_schema.json, whose numbers may be Decimal, and build the instance.

    With `grades_in_percent` the fields of GRADE_FIELDS are read as percent. InstanceError names all problems.
    """
    plain = plain_document(document, grades_in_percent=grades_in_percent)
    raise_if(schema_problems(plain))
    raise_if(_shape_problems(plain) + _name_problems(plain) + _reference_problems(plain))
    instance = _instance(plain)
    raise_if(
        [
            *grade_problems(instance),
            *element_problems(instance),
            *_stock_problems(instance),
            *_closing_problems(instance),
            *_scale_problems(instance),
            *_route_problems(instance),
            *budget_problems(instance),
            *polyhedron_problems(instance),
        ]
    )
    raise_if(list(empty_set_problems(instance)))
    return instance


def build_plan(document: object) -> Plan:
    """Read `Plan.to_document`, or a whole plan file holding it under "plan"; InstanceError with the path."""
    body = document.get("plan", document) if isinstance(document, Mapping) else document
    if not isinstance(body, Mapping):
        raise InstanceError([Problem("", "a plan is an object with the lists x, d, y, u, v, p, w, z, q")])
    names = [f.name for f in fields(Plan)]
    problems = [Problem(f"/{key}", "unknown variable: remove it") for key in body if key not in names]
    problems += [
        Problem(f"/{name}", "is missing: give a list, empty when all are zero") for name in names if name not in body
    ]
    raise_if(problems)
    return Plan(**{name: _flow(name, body[name]) for name in names})


# Rules across fields ------------------------------------------------------------------------------------------------


def _shape_problems(document: Mapping[str, Any]) -> list[Problem]:
    n_periods = len(document["periods"])
    rows = [*_rows(document, "centres"), *_rows(document, "mill_lanes"), *_rows(document, "user_lanes")]
    rows += [*_rows(document, "demands"), *_rows(document, "mines"), *_cutoff_rows(document)]
    rows += [row for path, cutoff in _cutoff_rows(document) for row in _rows(cutoff, "grades", path)]
    rows += _rows(document["uncertainty"], "rows", "/uncertainty")
    found = [
        Problem(
            f"{path}/{key}",
            f"has {len(value)} numbers: give one for each of the {n_periods} periods, or a single number",
        )
        for path, row in rows
        for key, value in row.items()
        if isinstance(value, list) and key not in NOT_PER_PERIOD and len(value) != n_periods
    ]
    uncertainty, n_mines = document["uncertainty"], len(document["mines"])
    for path, held in (("/uncertainty", uncertainty), ("/uncertainty/base", uncertainty.get("base", {}))):
        Gamma = held.get("Gamma")
        if isinstance(Gamma, list) and len(Gamma) != n_mines:
            wanted = f"has {len(Gamma)} numbers: give one for each of the {n_mines} mines, or a single number"
            found.append(Problem(f"{path}/Gamma", wanted))
    return found


def _rows(document: Mapping[str, Any], key: str, path: str = "") -> list[tuple[str, Mapping[str, Any]]]:
    return [(f"{path}/{key}/{k}", row) for k, row in enumerate(document.get(key, ()))]


def _location_rows(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [row for path, mine in _rows(document, "mines") for row in _rows(mine, "locations", path)]


def _cutoff_rows(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [row for path, location in _location_rows(document) for row in _rows(location, "cutoffs", path)]


def _name_problems(document: Mapping[str, Any]) -> list[Problem]:
    found = [*_repeated("/periods", document["periods"]), *_repeated("/users", document["users"])]
    for kind in ("mines", "centres"):
        found += _repeated(f"/{kind}", [row["name"] for row in document[kind]], "/name")
    for kind, parent_rows in (("locations", _rows(document, "mines")), ("cutoffs", _location_rows(document))):
        for path, parent in parent_rows:
            found += _repeated(f"{path}/{kind}", [row["name"] for row in parent[kind]], "/name")
    for kind, ends in (
        ("mill_lanes", ("mine", "centre")),
        ("user_lanes", ("centre", "user")),
        ("demands", ("mine", "user")),
    ):
        found += _repeated(f"/{kind}", [tuple(row[end] for end in ends) for row in document[kind]])
    return found


def _repeated(path: str, keys: Sequence[object], suffix: str = "") -> list[Problem]:
    first = {key: k for k, key in reversed(list(enumerate(keys)))}
    return [
        Problem(f"{path}/{k}{suffix}", f"repeats {key!r} of {path}/{first[key]}: give it once, under one name")
        for k, key in enumerate(keys)
        if first[key] != k
    ]


def _reference_problems(document: Mapping[str, Any]) -> list[Problem]:
    known = {kind: {row["name"] for row in document[f"{kind}s"]} for kind in ("mine", "centre")}
    known["user"] = set(document["users"])
    return [
        Problem(
            f"{path}/{kind}",
            f"names the {kind} {row[kind]!r}, which /{kind}s does not have: add it or correct the name",
        )
        for section in ("mill_lanes", "user_lanes", "demands")
        for path, row in _rows(document, section)
        for kind in ("mine", "centre", "user")
        if kind in row and row[kind] not in known[kind]
    ]


def _scale_problems(instance: SupplyChainInstance) -> Iterator[Problem]:
    """Numbers beside which others are lost in a solver's tolerances; limits that are far too large do no harm."""
    costs = [*_mine_costs(instance), *_lane_costs(instance)]
    for unit in ("$/t", "$"):
        yield from _unusual([(path, values) for path, of, values in costs if of == unit], unit)
    largest = max(max(demand.D) for demand in instance.demands)
    for k, demand in enumerate(instance.demands):
        if least := min((v for v in demand.D if 0 < v * SCALE < largest), default=0.0):
            words = (
                f"is {least:g} t, below a millionth of the largest demand {largest:g} t: give 0, or plan it by itself"
            )
            yield Problem(f"/demands/{k}/D", words)


def _mine_costs(instance: SupplyChainInstance) -> Iterator[tuple[str, str, PerPeriod]]:
    for m, mine in enumerate(instance.mines):
        yield f"/mines/{m}/pc", "$/t", (mine.pc,)
        yield f"/mines/{m}/h", "$/t", (mine.h,)
        for i, location in enumerate(mine.locations):
            for j, cutoff in enumerate(location.cutoffs):
                yield f"/mines/{m}/locations/{i}/cutoffs/{j}/c", "$/t", (cutoff.c,)
                yield f"/mines/{m}/locations/{i}/cutoffs/{j}/K", "$", cutoff.K


def _lane_costs(instance: SupplyChainInstance) -> Iterator[tuple[str, str, PerPeriod]]:
    for k, up in enumerate(instance.mill_lanes):
        yield f"/mill_lanes/{k}/f", "$/t", (up.f,)
        yield f"/mill_lanes/{k}/g", "$/t", (up.g,)
        yield f"/mill_lanes/{k}/F", "$", up.F
    for k, down in enumerate(instance.user_lanes):
        yield f"/user_lanes/{k}/e", "$/t", (down.e,)
        yield f"/user_lanes/{k}/G", "$", down.G


def _unusual(costs: Sequence[tuple[str, PerPeriod]], unit: str) -> Iterator[Problem]:
    """Above a million times the median of those that are not 0."""
    usual = median([v for _, values in costs for v in values if v > 0] or [math.inf])
    for path, values in costs:
        if max(values) > SCALE * usual:
            words = f"is {max(values):g} {unit}, more than a million times the usual {usual:g} {unit}"
            yield Problem(path, f"{words}: leave out what must not be used")


def _stock_problems(instance: SupplyChainInstance) -> Iterator[Problem]:
    for m, mine in enumerate(instance.mines):
        for t, (low, high) in enumerate(zip(mine.Umin, mine.Umax, strict=True)):
            if low > high:
                yield Problem(
                    f"/mines/{m}/Umin", f"is {low:g} in period {t}, above Umax {high:g}: exchange or correct them"
                )


def _closing_problems(instance: SupplyChainInstance) -> Iterator[Problem]:
    for n, centre in enumerate(instance.centres):
        wanted = math.fsum(lane.w_end for lane in instance.mill_lanes if lane.centre == centre.name)
        if wanted > centre.V[-1]:
            words = f"is {centre.V[-1]:g} in the last period, below the {wanted:g} t that w_end of its lanes asks for"
            yield Problem(f"/centres/{n}/V", f"{words}: give more room or lower them")


def _route_problems(instance: SupplyChainInstance) -> Iterator[Problem]:
    routed = {(m, s) for m, _, s in instance.routes}
    for k, demand in enumerate(instance.demands):
        if any(demand.D) and (demand.mine, demand.user) not in routed:
            missing = f"no centre links mine {demand.mine!r} to user {demand.user!r}"
            yield Problem(
                f"/demands/{k}", f"{missing}: add a mill lane and a user lane through one centre, or drop the demand"
            )


# Building -----------------------------------------------------------------------------------------------------------


def _spread(value: Any, count: int) -> PerPeriod:
    return tuple(value) if isinstance(value, list) else (value,) * count


def _record(cls: Any, row: Mapping[str, Any], n_periods: int, **more: Any) -> Any:
    """A row as its dataclass: fields declared per period are spread, absent ones are zero."""
    for name, is_per_period in _columns(cls):
        if name not in more:
            value = row.get(name, 0.0)
            more[name] = _spread(value, n_periods) if is_per_period else value
    return cls(**more)


@cache
def _columns(cls: Any) -> list[tuple[str, bool]]:
    """Names of the fields, and whether they have a value a period."""
    return [(f.name, f.type == "PerPeriod") for f in fields(cls)]


def _mine(row: Mapping[str, Any], n_periods: int) -> Mine:
    locations = tuple(Location(i["name"], tuple(_cutoff(j, n_periods) for j in i["cutoffs"])) for i in row["locations"])
    elements = tuple(Element(**element) for element in row.get("elements", ()))
    mine: Mine = _record(Mine, row, n_periods, locations=locations, elements=elements)
    return mine


def _cutoff(row: Mapping[str, Any], n_periods: int) -> Cutoff:
    grades = tuple(_record(ElementGrade, grade, n_periods) for grade in row.get("grades", ()))
    cutoff: Cutoff = _record(Cutoff, row, n_periods, grades=grades)
    return cutoff


def _uncertainty(row: Mapping[str, Any], n_mines: int, n_periods: int) -> UncertaintySet:
    if row["kind"] == "budget":
        return BudgetSet(_spread(row["Gamma"], n_mines))
    if row["kind"] == "polyhedron":
        base = _uncertainty(row["base"], n_mines, n_periods) if "base" in row else None
        assert base is None or isinstance(base, BoxSet | BudgetSet)
        return PolyhedronSet(tuple(_grade_row(made, n_periods) for made in row["rows"]), base)
    return SET_KINDS[row["kind"]](**{k: v for k, v in row.items() if k != "kind"})


def _grade_row(row: Mapping[str, Any], n_periods: int) -> GradeRow:
    terms = tuple(GradeTerm(**term) for term in row["terms"])
    return GradeRow(row["mine"], terms, _spread(row["limit"], n_periods), row.get("name", ""))


def _instance(document: Mapping[str, Any]) -> SupplyChainInstance:
    n_periods = len(document["periods"])

    def records(cls: Any, key: str) -> tuple[Any, ...]:
        return tuple(_record(cls, row, n_periods) for row in document[key])

    return SupplyChainInstance(
        name=document["name"],
        periods=tuple(document["periods"]),
        mines=tuple(_mine(row, n_periods) for row in document["mines"]),
        centres=records(Centre, "centres"),
        users=tuple(document["users"]),
        mill_lanes=records(MillLane, "mill_lanes"),
        user_lanes=records(UserLane, "user_lanes"),
        demands=records(Demand, "demands"),
        uncertainty=_uncertainty(document["uncertainty"], len(document["mines"]), n_periods),
    )


def _flow(name: str, rows: object) -> dict[tuple[str, ...], float]:
    if not isinstance(rows, list):
        raise InstanceError([Problem(f"/{name}", "must be a list of rows [names..., value]")])
    wrong = [
        Problem(f"/{name}/{k}", _row_rule(name))
        for k, row in enumerate(rows)
        if not _is_plan_row(row, KEY_LENGTH[name])
    ]
    raise_if(wrong)
    keys = [tuple(row[:-1]) for row in rows]
    raise_if(_repeated(f"/{name}", keys))
    return {key: float(row[-1]) for key, row in zip(keys, rows, strict=True)}


def _row_rule(name: str) -> str:
    return f"a row of {name} is {KEY_LENGTH[name]} names, the period last, and then one finite number"


def _is_plan_row(row: object, n_names: int) -> bool:
    if not isinstance(row, list) or len(row) != n_names + 1 or not _are_names(row[:-1]):
        return False
    value = row[-1]
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _are_names(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)
