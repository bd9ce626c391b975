"""JSON text to a plain document, and what instance_schema.json has against it, in words with a JSON pointer each.

A document here is what JSON can hold, with every number a finite float.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from optimization.data import InstanceError, Problem

SCHEMA_PATH = Path(__file__).with_name("instance_schema.json")
GRADE_FIELDS = frozenset({"alpha", "gamma", "delta", "least", "most", "limit"})
MAX_PROBLEMS = 50
MAX_DEPTH = 32
HEAD = 8
# Some 1,000 mines with 12 periods. Beyond it the reading alone takes longer than anybody waits for a message.
MAX_BYTES = 32_000_000


def document_from_file(path: Path) -> Any:
    """As `document_from_json`; a file longer than MAX_BYTES is refused before it is parsed. OSError as of any file."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    return document_from_json(content.decode() if len(content) <= MAX_BYTES else " " * len(content))


def document_from_json(text: str) -> Any:
    """JSON with duplicate keys, text that is not JSON, too long or nested endlessly refused; InstanceError."""
    if len(text) > MAX_BYTES:
        words = f"is longer than {MAX_BYTES // 1_000_000} MB: plan fewer mines or periods at once, or give one number"
        raise InstanceError([Problem("", f"{words} where all periods have the same")])
    try:
        return json.loads(text, object_pairs_hook=_object_without_duplicates)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise InstanceError([Problem("", f"is not JSON at {where}: {error.msg}")]) from error
    except InstanceError:
        raise
    except ValueError as error:  # a whole number of thousands of digits
        raise InstanceError([Problem("", f"holds a number that is no quantity: {error}")]) from error
    except RecursionError as error:
        raise InstanceError(
            [Problem("", "is nested too deeply: see docs/how-to/plan-headless.md for the format")]
        ) from error


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        repeated = [key for key, n in Counter(key for key, _ in pairs).items() if n > 1]
        raise_if([Problem("", f"key {key!r} is given twice in one object: keep one") for key in repeated])
    return made


def raise_if(problems: Sequence[Problem]) -> None:
    if problems:
        raise InstanceError(problems[:MAX_PROBLEMS])


def escaped(key: str) -> str:
    """A key as part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


# Plain numbers ------------------------------------------------------------------------------------------------------


class _Unusual(ValueError):
    """Something that the quick way does not take; the slow one finds out where and whether it is wrong."""


def plain_document(document: object, *, grades_in_percent: bool = False) -> Any:
    """A copy with finite floats for numbers; fields of GRADE_FIELDS divided by 100 if in percent. InstanceError."""
    if not grades_in_percent:
        try:
            return _quick(document, 0)
        except _Unusual:
            pass
    problems: list[Problem] = []
    plain = _plain(document, "", -2 if grades_in_percent else 0, problems)
    raise_if(problems)
    return plain


def _quick(value: object, depth: int) -> Any:
    """As `_plain` without paths; most of a document are lists of numbers, taken whole."""
    kind = type(value)
    if isinstance(value, list | tuple) and depth < MAX_DEPTH:
        if value and {float, int}.issuperset(map(type, value)):
            return _quick_numbers(value)
        return [_quick(v, depth + 1) for v in value]
    if isinstance(value, dict) and depth < MAX_DEPTH and {str}.issuperset(map(type, value)):
        return {k: _quick(v, depth + 1) for k, v in value.items()}
    if kind is float or kind is int:
        return _quick_numbers([value])[0]
    if kind is str or kind is bool or value is None:
        return value
    raise _Unusual


def _quick_numbers(values: Sequence[Any]) -> list[float]:
    try:
        made = [float(v) for v in values]
    except OverflowError as error:
        raise _Unusual from error
    if not all(map(math.isfinite, made)):
        raise _Unusual
    return made


def _plain(value: object, path: str, grade_shift: int, problems: list[Problem], key: str = "") -> Any:
    """With every number a float; that of a grade has its decimal point moved, which is exact as * 0.01 is not."""
    if path.count("/") > MAX_DEPTH:
        problems.append(Problem(path, "is nested too deeply"))
    elif isinstance(value, Mapping):
        return {str(k): _plain(v, f"{path}/{escaped(str(k))}", grade_shift, problems, str(k)) for k, v in value.items()}
    elif isinstance(value, list | tuple):
        return [_plain(v, f"{path}/{k}", grade_shift, problems, key) for k, v in enumerate(value)]
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = _plain_number(value, path, problems)
        return float(Decimal(repr(number)).scaleb(grade_shift)) if grade_shift and key in GRADE_FIELDS else number
    elif not isinstance(value, str | bool | None):
        problems.append(Problem(path, f"is a Python {type(value).__name__}, which JSON does not know"))
    return value


def _plain_number(value: int | float | Decimal, path: str, problems: list[Problem]) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        problems.append(Problem(path, f"is {value if abs(number) != math.inf else 'infinite'}: give a finite number"))
    return number


# The schema in words ------------------------------------------------------------------------------------------------


def schema_problems(plain: object) -> list[Problem]:
    """What the schema has against a plain document, at most MAX_PROBLEMS; InstanceError if it is no text at all.

    The validator finds all errors before it tells the first. So the heads of all lists are looked at before the rest:
    a hundred thousand equal mistakes would take seconds.
    """
    try:
        for part in (_head(plain), plain):
            words = (p for error in _validator().iter_errors(part) for p in _in_words(error))
            if found := list(islice(words, MAX_PROBLEMS)):
                return found
        return []
    except UnicodeEncodeError as error:
        raise InstanceError([Problem("", f"holds a character that can't be written: {error.reason}")]) from error


def _head(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {key: _head(value) for key, value in plain.items()}
    return [_head(value) for value in plain[:HEAD]] if isinstance(plain, list) else plain


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return schema


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(_schema())


def _in_words(error: ValidationError) -> Iterator[Problem]:
    path, schema = "".join(f"/{escaped(str(part))}" for part in error.instance_path), _broken(error)
    match error.kind.name:
        case "additionalProperties":
            for key in error.kind.value:
                yield Problem(f"{path}/{escaped(key)}", _unknown(key, list(schema["properties"])))
        case "required":
            name = error.kind.value
            about = schema.get("properties", {}).get(name, {}).get("description")
            yield Problem(path, f"lacks {name!r}: add it" + (f" ({about})" if about else ""))
        case _:
            about = schema.get("description")
            yield Problem(path, _advice(error) + (f" ({about})" if about else ""))


def _broken(error: ValidationError) -> Mapping[str, Any]:
    """The part of the schema that was broken; empty where that is only `false`."""
    place: Any = _schema()
    for part in error.schema_path[:-1]:
        place = place[part]
    return place if isinstance(place, Mapping) else {}


def _unknown(key: str, known: list[str]) -> str:
    near = get_close_matches(key, known, n=1) or [name for name in known if name.lower() == key.lower()]
    advice = f"did you mean {near[0]!r}?" if near else f"remove it, or use one of {', '.join(known)}"
    return f"is no field here: {advice}"


def _advice(error: ValidationError) -> str:
    limit, given = error.kind.value, _short(error.instance)
    sentences = {
        "minimum": f"is {given}, below {limit}: give {limit} or more",
        "maximum": f"is {given}, above {limit}: give {limit} or less",
        "exclusiveMinimum": f"is {given}: must be above {limit}",
        "exclusiveMaximum": f"is {given}: must be below {limit}" + ("; use a larger unit" if limit == 1e9 else ""),
        "minItems": "is empty: give at least one",
        "maxItems": f"is {given}: give at most {limit}",
        "type": f"is {given}: must be of type {' or '.join(limit) if isinstance(limit, list) else limit}",
        "const": f"is {given}: must be {limit!r}",
        "enum": f"is {given}: must be one of {limit}",
        "minLength": "is an empty name: give one",
        "maxLength": f"is {given}: give at most {limit} characters",
        "pattern": f"is {given}: a name has visible characters on one line",
        "falseSchema": f"is {given}, but does not belong to this kind: remove it",
    }
    return sentences.get(error.kind.name) or "is not as the schema asks: see docs/how-to/plan-headless.md"


def _short(value: object) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = json.dumps(value[:60] if isinstance(value, str) else value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
