"""From a document (JSON text, workbook rows, database rows) to a validated `SupplyChainInstance` or `Plan`.

The one place where Decimal becomes float and percent becomes fraction. Every refusal names the place as a JSON pointer.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

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
from optimization.uncertainty.rules import (
    budget_problems,
    element_problems,
    empty_set_problems,
    grade_problems,
    polyhedron_problems,
)

SCHEMA_PATH = Path(__file__).with_name("instance_schema.json")
GRADE_FIELDS = frozenset({"alpha", "gamma", "delta", "least", "most", "limit"})
NOT_PER_PERIOD = frozenset({"locations", "elements", "grades", "terms"})
KEY_LENGTH = {"x": 4, "d": 4, "y": 2, "u": 2, "v": 3, "p": 3, "w": 3, "z": 4, "q": 4}
MAX_PROBLEMS = 50
MAX_DEPTH = 32


def instance_from_json(text: str) -> SupplyChainInstance:
    """Parse and validate; InstanceError on anything that is not a complete, consistent instance."""
    return build_instance(document_from_json(text))


def build_instance(document: Mapping[str, Any], *, grades_in_percent: bool = False) -> SupplyChainInstance:
    """Validate a document of instance_schema.json, whose numbers may be Decimal, and build the instance.

    With `grades_in_percent` the fields of GRADE_FIELDS are read as percent. InstanceError names all problems.
    """
    plain, problems = _plain(document, grades_in_percent)
    _raise_if(problems or [_in_words(e) for e in _schema_errors(plain)])
    _raise_if(_shape_problems(plain) + _name_problems(plain) + _reference_problems(plain))
    instance = _instance(plain)
    _raise_if(
        [
            *grade_problems(instance),
            *element_problems(instance),
            *_stock_problems(instance),
            *_closing_problems(instance),
            *_route_problems(instance),
            *budget_problems(instance),
            *polyhedron_problems(instance),
        ]
    )
    _raise_if(list(empty_set_problems(instance)))
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
    _raise_if(problems)
    return Plan(**{name: _flow(name, body[name]) for name in names})


def document_from_json(text: str) -> Any:
    """JSON with duplicate keys, text that is not JSON and endless nesting refused; InstanceError."""
    try:
        return json.loads(text, object_pairs_hook=_object_without_duplicates)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise InstanceError([Problem("", f"is not JSON at {where}: {error.msg}")]) from error
    except RecursionError as error:
        raise InstanceError(
            [Problem("", "is nested too deeply: see docs/how-to/plan-headless.md for the format")]
        ) from error


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    repeated = [key for key, n in Counter(key for key, _ in pairs).items() if n > 1]
    _raise_if([Problem("", f"key {key!r} is given twice in one object: keep one") for key in repeated])
    return dict(pairs)


def _raise_if(problems: Sequence[Problem]) -> None:
    if problems:
        raise InstanceError(problems[:MAX_PROBLEMS])


# Plain numbers ------------------------------------------------------------------------------------------------------


def _plain(document: object, grades_in_percent: bool) -> tuple[Any, list[Problem]]:
    problems: list[Problem] = []
    return _plain_value(document, "", -2 if grades_in_percent else 0, problems), problems


def _plain_value(value: object, path: str, grade_shift: int, problems: list[Problem], key: str = "") -> Any:
    """With every number a float; that of a grade has its decimal point moved, which is exact as * 0.01 is not."""
    if path.count("/") > MAX_DEPTH:
        problems.append(Problem(path, "is nested too deeply"))
    elif isinstance(value, Mapping):
        return {
            k: _plain_value(v, f"{path}/{_escape(str(k))}", grade_shift, problems, str(k)) for k, v in value.items()
        }
    elif isinstance(value, list | tuple):
        return [_plain_value(v, f"{path}/{k}", grade_shift, problems, key) for k, v in enumerate(value)]
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = _plain_number(value, path, problems)
        return float(Decimal(repr(number)).scaleb(grade_shift)) if grade_shift and key in GRADE_FIELDS else number
    return value


def _plain_number(value: int | float | Decimal, path: str, problems: list[Problem]) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        problems.append(Problem(path, f"is {value if abs(number) != math.inf else 'infinite'}: give a finite number"))
    return number


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


# The schema in words ------------------------------------------------------------------------------------------------


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))


def _schema_errors(document: object) -> Iterator[ValidationError]:
    for error in _validator().iter_errors(document):
        yield from error.context or [error]


def _in_words(error: ValidationError) -> Problem:
    path = "".join(f"/{_escape(str(part))}" for part in error.absolute_path)
    description = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    return Problem(path, _advice(error) + (f" ({description})" if description else ""))


def _advice(error: ValidationError) -> str:
    limit, given = error.validator_value, _short(error.instance)
    sentences = {
        "minimum": f"is {given}, below {limit}: give {limit} or more",
        "maximum": f"is {given}, above {limit}: give {limit} or less",
        "exclusiveMinimum": f"is {given}: must be above {limit}",
        "exclusiveMaximum": f"is {given}: must be below {limit}" + ("; use a larger unit" if limit == 1e9 else ""),
        "minItems": "is empty: give at least one",
        "type": f"is {given}: must be of type {limit if isinstance(limit, str) else ' or '.join(limit)}"
        if error.validator == "type"
        else "",
        "const": f"is {given}: must be {limit!r}",
        "enum": f"is {given}: must be one of {limit}",
        "minLength": "is an empty name: give one",
        "pattern": f"is {given}: a name has visible characters on one line",
    }
    return sentences.get(str(error.validator)) or f"{error.message}: see docs/how-to/plan-headless.md"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


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
    return tuple(float(v) for v in value) if isinstance(value, list) else (float(value),) * count


def _record(cls: Any, row: Mapping[str, Any], n_periods: int, **more: Any) -> Any:
    """A row as its dataclass: fields declared per period are spread, absent ones are zero."""
    per_period = {f.name for f in fields(cls) if f.type == "PerPeriod"}
    names = [f.name for f in fields(cls) if f.name not in more]
    return cls(
        **more, **{k: _spread(row.get(k, 0.0), n_periods) if k in per_period else row.get(k, 0.0) for k in names}
    )


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
    _raise_if(wrong)
    keys = [tuple(row[:-1]) for row in rows]
    _raise_if(_repeated(f"/{name}", keys))
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
