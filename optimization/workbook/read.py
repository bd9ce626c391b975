"""An Excel file to rows, each cell judged by its column; every problem carries the address of its cell."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, Protocol
from xml.etree.ElementTree import ParseError

from openpyxl import Workbook, load_workbook
from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet._reader import WorkSheetParser

from optimization.data import Problem
from optimization.workbook.file_check import ANY_FILE, Bounds, require_plain_workbook
from optimization.workbook.tables import MAX_ROWS, READ_ME, RESULTS, TABLE, TABLES, Column, Kind, Row, Table

# All that openpyxl was seen to raise on files whose parts contradict one another.
DAMAGE = (ValueError, LookupError, TypeError, AttributeError, OverflowError, ParseError, zipfile.BadZipFile, zlib.error)
Rows = Mapping[str, list[Row]]


class AnyCell(Protocol):
    """A cell of a workbook or of a CSV: `data_type` is openpyxl's, n for a number, s for text, f for a formula."""

    @property
    def value(self) -> Any: ...
    @property
    def data_type(self) -> str: ...
    @property
    def number_format(self) -> str: ...


Cells = dict[int, dict[int, AnyCell]]


class _Wrong(ValueError):
    """What is wrong with one cell."""


def read_rows(file: IO[bytes], name: str, bounds: Bounds = ANY_FILE) -> tuple[Rows, list[Problem]]:
    """Rows by sheet and all problems of cells; ValueError when the file is no usable workbook at all.

    Sheets that show a plan are passed over: they are an answer.
    """
    book = _load(file, name, bounds)
    try:
        return _book_rows(book)
    except DAMAGE as error:
        raise _damaged(name, error) from error
    finally:
        book.close()


def _book_rows(book: Workbook) -> tuple[Rows, list[Problem]]:
    problems: list[Problem] = []
    unknown = [sheet for sheet in book.sheetnames if sheet not in (READ_ME, *TABLE, *RESULTS)]
    for sheet in unknown:
        problems.append(Problem(f"Sheet {sheet!r}", f"is not known: remove it; the sheets are {', '.join(TABLE)}"))
    rows: dict[str, list[Row]] = {}
    for table in TABLES:
        if table.sheet in book.sheetnames:
            rows[table.sheet] = _sheet_rows(book[table.sheet], table, problems)
        else:
            rows[table.sheet] = []
            problems.append(Problem(f"Sheet {table.sheet!r}", "is missing: begin with a template"))
    return rows, problems


def _load(file: IO[bytes], name: str, bounds: Bounds) -> Workbook:
    """Read only: openpyxl's other way makes every cell of a range that is merged or linked, of perhaps millions."""
    require_plain_workbook(file, name, bounds)
    try:
        book = load_workbook(file, read_only=True, data_only=False, keep_links=False)
        parts = [sheet._worksheet_path for sheet in book.worksheets]
    except DAMAGE as error:
        raise _damaged(name, error) from error
    if len(set(parts)) < len(parts):  # one large part shown as a thousand sheets would be parsed a thousand times
        raise _damaged(name, ValueError("sheets share one part"))
    return book


def _damaged(name: str, error: Exception) -> ValueError:
    return ValueError(f"{name} is a damaged workbook ({error}): save it again from a spreadsheet program")


def _sheet_rows(sheet: Any, table: Table, problems: list[Problem]) -> list[Row]:
    if not isinstance(sheet, ReadOnlyWorksheet):
        problems.append(Problem(f"Sheet {table.sheet!r}", "is a chart: it must be a table"))
        return []
    filled, merged = _filled(sheet)
    return table_rows(filled, merged, table, problems)


def table_rows(filled: Cells, merged: Iterable[str], table: Table, problems: list[Problem]) -> list[Row]:
    """Rows of the cells that hold something, headers first; what is wrong is added to the problems."""
    found = [*_layout_problems(merged, table, filled), *_header_problems(filled.pop(1, {}), table)]
    problems += found
    if found:
        return []
    if not filled and not table.is_optional:
        problems.append(Problem(f"Sheet {table.sheet!r}, cell A2", f"is empty: give {table.columns[0].wanted}"))
    return [_row(table, number, cells, problems) for number, cells in sorted(filled.items())]


def _filled(sheet: ReadOnlyWorksheet) -> tuple[Cells, list[str]]:
    """Cells with a value, by row and column, and the ranges that are merged."""
    book, filled = sheet.parent, Cells()
    with sheet._get_source() as source:
        parser = WorkSheetParser(
            source, sheet._shared_strings, False, book.epoch, book._date_formats, book._timedelta_formats
        )
        for number, row in parser.parse():
            held = {cell["column"]: ReadOnlyCell(sheet, **cell) for cell in row if cell["value"] is not None}
            if held:
                filled.setdefault(number, {}).update(held)
    merged = parser.merged_cells.mergeCell if parser.merged_cells else ()
    return filled, sorted(str(cells.ref) for cells in merged)


def _layout_problems(merged: Iterable[str], table: Table, filled: Cells) -> Iterator[Problem]:
    where, last = f"Sheet {table.sheet!r}", max(filled, default=1)
    if last > MAX_ROWS:
        yield Problem(where, f"reaches down to row {last}: use at most {MAX_ROWS} rows")
    for cells in merged:
        yield Problem(f"{where}, cells {cells}", "are merged: unmerge them")
    beyond = {column: number for number in sorted(filled, reverse=True) for column in filled[number]}
    for column, number in sorted(beyond.items()):
        if column > len(table.columns):
            words = f"is beyond the table's {len(table.columns)} columns: remove it"
            yield Problem(f"{where}, cell {get_column_letter(column)}{number}", words)


def _header_problems(cells: Mapping[int, AnyCell], table: Table) -> Iterator[Problem]:
    for k, column in enumerate(table.columns, 1):
        given = cells[k].value if k in cells else None
        if given != column.header:
            place = f"Sheet {table.sheet!r}, cell {table.letter[column.field]}1"
            yield Problem(place, f"is {_short(given)}: must be {column.header!r}")


def _row(table: Table, number: int, cells: Mapping[int, AnyCell], problems: list[Problem]) -> Row:
    values: dict[str, Any] = {}
    for k, column in enumerate(table.columns, 1):
        try:
            values[column.field] = _value(column, cells.get(k))
        except _Wrong as wrong:
            values[column.field] = None
            place = f"Sheet {table.sheet!r}, cell {table.letter[column.field]}{number}"
            problems.append(Problem(place, str(wrong)))
    row = Row(table, number, values)
    problems += _order_problems(row)
    return row


def _order_problems(row: Row) -> list[Problem]:
    pairs = [(c, row.values[c.field], row.values[c.not_above]) for c in row.table.columns if c.not_above]
    return [
        Problem(row.place(column.field), f"is {low:g}, above the {high:g} of {row.place(column.not_above)}: lower it")
        for column, low, high in pairs
        if low is not None and high is not None and low > high
    ]


def _value(column: Column, cell: AnyCell | None) -> str | float | None:
    advice = f"give {column.wanted}"
    if cell is None:
        if column.optional:
            return None
        raise _Wrong(f"is empty, {advice}")
    value = cell.value
    if cell.data_type == "f":
        raise _Wrong(f"holds a formula, {advice}: paste its value")
    if cell.data_type not in ("n", "s"):
        raise _Wrong(f"is {_short(value)}, {advice}")
    if column.kind is not Kind.NUMBER:
        return _text(column, value)
    if "%" in cell.number_format:  # Excel shows 0.357 as 35.7 %: a hundredfold misread either way
        raise _Wrong(f"is formatted as a percentage, {advice}: format it as a number, 35.7 for 35.7 %")
    return _number(column, value)


def _number(column: Column, value: object) -> float:
    if not isinstance(value, int | float):
        raise _Wrong(f"is {_short(value)}, give {column.wanted}")
    if abs(value) > 1e300 or not math.isfinite(value):
        raise _Wrong(f"is {_short(value)}, give {column.wanted} below {column.most:g}")
    if column.least is not None and value < column.least:
        raise _Wrong(f"is {value:g}, below {column.least:g}: give {column.wanted} of {column.least:g} or more")
    if column.most is not None and value > column.most:
        raise _Wrong(f"is {value:g}, above {column.most:g}: give {column.wanted} of {column.most:g} or less")
    if column.is_whole and value != int(value):
        raise _Wrong(f"is {value:g}, give a whole number ({column.header})")
    return value


def _text(column: Column, value: object) -> str:
    """A name typed as a number is that number's text."""
    text = str(value)
    if column.choices and text not in column.choices:
        raise _Wrong(f"is {_short(value)}, give {column.wanted}")
    return text


def _short(value: object) -> str:
    text = "empty" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
