"""Checks of single values and of objects; each serves for reading and for writing, and says itself as JSON Schema."""

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NoReturn
from uuid import UUID

from .json_text import as_object, show
from .messages import MAX_ENTRIES, MAX_SEQ, ProtocolError

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    schema: Schema


def same(check: Callable[[Any], Any], schema: Schema) -> Field:
    return Field(check, check, schema)


def text_of(limit: int, shortest: int) -> Field:
    def text(value: Any) -> str:
        if not isinstance(value, str) or not shortest <= len(value) <= limit:
            raise ProtocolError("", f"must be text of {shortest} to {limit} characters, is {show(value)}")
        if not value.isprintable() or value != value.strip():
            raise ProtocolError("", f"must be printable, without spaces around it, is {show(value)}")
        return value

    return same(text, {"type": "string", "minLength": shortest, "maxLength": limit})


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProtocolError("", f"must be a number, is {show(value)}")
    try:
        number = float(value)
    except OverflowError:
        raise ProtocolError("", "is too large for a number") from None
    if not math.isfinite(number):
        raise ProtocolError("", "must be finite")
    return number


def whole_from(lowest: int, highest: int = MAX_SEQ) -> Field:
    def whole(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise ProtocolError("", f"must be a whole number from {lowest} to {highest}, is {show(value)}")
        return value

    return same(whole, {"type": "integer", "minimum": lowest, "maximum": highest})


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ProtocolError("", f"must be true or false, is {show(value)}")
    return value


def _read_time(value: Any) -> datetime:
    if not isinstance(value, str) or not 20 <= len(value) <= 40 or value[10] != "T":
        raise ProtocolError("", f"must be a time such as 2026-03-01T06:00:00Z, is {show(value)}")
    try:
        at = datetime.fromisoformat(value)
        return at if at.tzinfo is UTC else _aware(at).astimezone(UTC)
    except ProtocolError:
        raise
    except (ValueError, OverflowError):
        raise ProtocolError("", f"is not a time: {show(value)}") from None


def _write_time(value: Any) -> str:
    at = value if value.tzinfo is UTC else _aware(value).astimezone(UTC)
    return at.isoformat()[:-6] + "Z"


def _aware(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ProtocolError("", "has no time zone; end it with Z or an offset")
    return at


def _read_uuid(value: Any) -> UUID:
    if not isinstance(value, str):
        raise ProtocolError("", f"must be a UUID in lower case with hyphens, is {show(value)}")
    return _uuid_of(value)


@lru_cache(maxsize=20_000)
def _uuid_of(text: str) -> UUID:
    """The same few sessions and epochs come again and again."""
    try:
        parsed = UUID(text)
    except ValueError:
        parsed = None
    if parsed is None or str(parsed) != text:
        raise ProtocolError("", f"must be a UUID in lower case with hyphens, is {show(text)}")
    return parsed


class Shape:
    """An object with exactly these fields; `defaults` are of what an older sender leaves out."""

    def __init__(
        self, cls: type[Any], kinds: Mapping[str, Field], check: Callable[[Any], None], defaults: dict[str, Any]
    ) -> None:
        self.cls = cls
        self.fields = kinds
        self.check = check
        self.defaults = defaults
        self._readers = tuple((name, kind.read) for name, kind in kinds.items())
        self._writers = tuple((name, kind.write) for name, kind in kinds.items())

    @property
    def schema(self) -> Schema:
        return {
            "type": "object",
            "properties": {name: kind.schema for name, kind in self.fields.items()},
            "required": [name for name in self.fields if name not in self.defaults],
            "additionalProperties": False,
        }

    def as_field(self) -> Field:
        return Field(self.read, self.write, self.schema)

    def read(self, value: Any) -> Any:
        given = as_object(value)
        if self.defaults:
            given = self.defaults | given
        if given.keys() != self.fields.keys():
            self._refuse_names(given)
        values, name = [], ""
        try:
            for name, read in self._readers:
                values.append(read(given[name]))
        except ProtocolError as error:
            raise error.inside(name) from None
        made = self.cls(*values)
        self.check(made)
        return made

    def write(self, made: Any) -> dict[str, Any]:
        self.check(made)
        written, name = {}, ""
        try:
            for name, write in self._writers:
                written[name] = write(getattr(made, name))
        except ProtocolError as error:
            raise error.inside(name) from None
        return written

    def _refuse_names(self, given: Mapping[str, Any]) -> NoReturn:
        for name in self.fields:
            if name not in given:
                raise ProtocolError(name, "is missing")
        unknown = next(name for name in given if name not in self.fields)
        raise ProtocolError(show(unknown), f"is not known here; known are {', '.join(self.fields)}")


NUMBER = same(_number, {"type": "number"})
FLAG = same(_flag, {"type": "boolean"})
TIME = Field(_read_time, _write_time, {"type": "string", "format": "date-time", "minLength": 20, "maxLength": 40})
UUID_TEXT = Field(_read_uuid, str, {"type": "string", "format": "uuid"})


def one_of(enum: type[StrEnum]) -> Field:
    def read(value: Any) -> StrEnum:
        if not isinstance(value, str) or value not in by_value:
            raise ProtocolError("", f"must be one of {', '.join(by_value)}; is {show(value)}")
        return by_value[value]

    by_value = {str(member): member for member in enum}
    return Field(read, lambda value: read(value).value, {"enum": list(by_value)})


def list_of(item: Field, shortest: int) -> Field:
    def each(convert: Callable[[Any], Any], values: Any) -> list[Any]:
        if not isinstance(values, list | tuple) or not shortest <= len(values) <= MAX_ENTRIES:
            size = f"has {len(values)}" if isinstance(values, list | tuple) else f"is {show(values)}"
            raise ProtocolError("", f"must be a list of {shortest} to {MAX_ENTRIES} items, {size}")
        made: list[Any] = []
        try:
            for value in values:
                made.append(convert(value))
        except ProtocolError as error:
            raise error.inside(f"[{len(made)}]") from None
        return made

    return Field(
        lambda values: tuple(each(item.read, values)),
        lambda values: each(item.write, values),
        {"type": "array", "items": item.schema, "minItems": shortest, "maxItems": MAX_ENTRIES},
    )


def or_null(field: Field) -> Field:
    return Field(
        lambda value: None if value is None else field.read(value),
        lambda value: None if value is None else field.write(value),
        {"anyOf": [field.schema, {"type": "null"}]},
    )


def shape(cls: type[Any], check: Callable[[Any], None] = lambda made: None, **kinds: Field) -> Shape:
    defaults = {field.name: field.default for field in fields(cls) if field.default is not MISSING}
    return Shape(cls, {field.name: kinds[field.name] for field in fields(cls)}, check, defaults)
