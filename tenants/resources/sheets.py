"""CSV as spreadsheets read and write it, without a database: columns by name, each bad cell told by row and column."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

from tenants.data import FieldError, Invalid
from tenants.resources.data import CODE, LEVELS

MAX_ROWS: Final = 1_000
MAX_CHARS: Final = 1_000_000
MAX_ERRORS: Final = 100
# What a spreadsheet would run, and the apostrophe that keeps it from doing so.
RUN: Final = ("=", "+", "-", "@", "\t", "'")
Value = TypeVar("Value")
Parse = Callable[[str], Value]


def written(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """UTF-8 with the mark by which Excel knows it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_tamed("" if value is None else str(value)) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _tamed(text: str) -> str:
    return f"'{text}" if text.startswith(RUN) else text


def _wild(text: str) -> str:
    text = text.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(RUN) else text


@dataclass
class Sheet:
    """The rows of one file. Errors are collected with their place; `done` raises them all at once."""

    rows: list[tuple[int, dict[str, str]]]
    errors: list[FieldError] = field(default_factory=list)

    def __iter__(self) -> Iterator["Row"]:
        return (Row(self, line, cells) for line, cells in self.rows)

    def done(self) -> None:
        """Invalid if any cell was bad."""
        if self.errors:
            raise Invalid("The table can't be taken; nothing of it was kept.", tuple(self.errors[:MAX_ERRORS]))


@dataclass(frozen=True)
class Row:
    """`line` is the row's number in a spreadsheet, where the names of columns are row 1."""

    sheet: Sheet
    line: int
    cells: dict[str, str]

    def get(self, column: str, parse: Parse[Value], default: Value) -> Value:
        """The cell's value; `default` for an empty cell, and for a bad one, which is noted."""
        text = self.cells.get(column, "")
        return default if not text else self._parsed(column, parse, text, default)

    def need(self, column: str, parse: Parse[Value], default: Value) -> Value:
        """As `get`, but an empty cell is bad."""
        return self._parsed(column, parse, self.cells.get(column, ""), default)

    def refuse(self, column: str, message: str) -> None:
        self.sheet.errors.append(FieldError(f"/rows/{self.line}/{column}", message))

    def _parsed(self, column: str, parse: Parse[Value], text: str, default: Value) -> Value:
        try:
            return parse(text)
        except ValueError as error:
            self.refuse(column, str(error))
            return default


def read(text: str, columns: Sequence[str], needed: Sequence[str]) -> Sheet:
    """The rows of a CSV with `,` or `;` between its cells, as named in its first line, in any order.

    Raises Invalid if it is too large, a column is missing, unknown or named twice, or a row is too long.
    """
    if len(text) > MAX_CHARS:
        raise _refused("/csv", f"send at most {MAX_CHARS:,} characters")
    text = text.removeprefix("\ufeff")
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    try:
        found = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise _refused("/csv", f"it is not CSV: {error}") from error
    names = [name.strip() for name in found[0]] if found else []
    _check_names(names, columns, needed)
    rows = [(line, row) for line, row in enumerate(found[1:], 2) if any(cell.strip() for cell in row)]
    if len(rows) > MAX_ROWS:
        raise _refused("/csv", f"it has {len(rows):,} rows; send at most {MAX_ROWS:,} at a time")
    return _sheet(names, rows)


def _check_names(names: list[str], columns: Sequence[str], needed: Sequence[str]) -> None:
    faults = [
        *(f"there is no column {name!r}" for name in names if name not in columns),
        *(f"the column {name!r} is missing" for name in needed if name not in names),
        *(f"the column {name!r} is named twice" for name in columns if names.count(name) > 1),
    ]
    if faults:
        raise _refused("/rows/1", f"{faults[0]}; name {', '.join(columns)}")


def _sheet(names: list[str], rows: list[tuple[int, list[str]]]) -> Sheet:
    sheet = Sheet([])
    for line, cells in rows:
        if len(cells) > len(names):
            sheet.errors.append(FieldError(f"/rows/{line}", f"it has {len(cells)} cells for {len(names)} columns"))
        sheet.rows.append((line, dict(zip(names, map(_wild, cells), strict=False))))
    sheet.done()
    return sheet


def _refused(pointer: str, message: str) -> Invalid:
    return Invalid("The table can't be read.", (FieldError(pointer, message),))


# What cells hold ------------------------------------------------------------------------------------------------------


def a_code(text: str) -> str:
    if not CODE.fullmatch(text):
        raise ValueError("use 1 to 40 letters, digits and . _ / -, a letter or digit first")
    return text


def words(most: int) -> Parse[str]:
    """A line of text that is not empty."""

    def parse(text: str) -> str:
        if not text or len(text) > most or not text.isprintable():
            raise ValueError(f"write 1 to {most} characters on one line")
        return text

    return parse


def a_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("write the day as 2026-12-31") from None


def an_amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError("write a number such as 12.5") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError("write a number that is not negative")
    return amount


def levels(text: str) -> dict[str, int]:
    """`blasting=3 loading=2`"""
    found = dict(part.partition("=")[::2] for part in text.split())
    if any(not CODE.fullmatch(code) or level not in {str(each) for each in LEVELS} for code, level in found.items()):
        raise ValueError(f"write code=level with levels from {min(LEVELS)} to {max(LEVELS)}, such as blasting=3")
    return {code: int(level) for code, level in found.items()}


def one_of(known: Mapping[str, Value], what: str) -> Parse[Value]:
    """The value of this code."""

    def parse(text: str) -> Value:
        if text not in known:
            raise ValueError(f"there is no {what} with the code {text!r}")
        return known[text]

    return parse
