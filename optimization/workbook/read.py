"""An Excel file to rows, each cell judged by its column; every problem carries the address of its cell."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell, MergedCell
from openpyxl.worksheet.worksheet import Worksheet

from optimization.data import Problem
from optimization.workbook.file_check import require_plain_workbook
from optimization.workbook.tables import MAX_ROWS, READ_ME, TABLE, TABLES, Column, Kind, Row, Table

# All that openpyxl was seen to raise on files whose parts contradict one another.
DAMAGE = (ValueError, LookupError, TypeError, AttributeError, OverflowError, ParseError, zipfile.BadZipFile, zlib.error)
Rows = Mapping[str, list[Row]]


class _Wrong(ValueError):
    """What is wrong with one cell."""


def read_rows(path: Path) -> tuple[Rows, list[Problem]]:
    """Rows by sheet and all problems of cells; ValueError when the file is no usable workbook at all."""
    book, problems = _load(path), []
    unknown = [name for name in book.sheetnames if name != READ_ME and name not in TABLE]
    for name in unknown:
        problems.append(Problem(f"Sheet {name!r}", f"is not known: remove it; the sheets are {', '.join(TABLE)}"))
    rows: dict[str, list[Row]] = {}
    for table in TABLES:
        if table.sheet in book.sheetnames:
            rows[table.sheet] = _sheet_rows(book[table.sheet], table, problems)
        else:
            rows[table.sheet] = []
            problems.append(Problem(f"Sheet {table.sheet!r}", "is missing: begin with a template"))
    return rows, problems


def _load(path: Path) -> Workbook:
    require_plain_workbook(path)
    try:
        return load_workbook(path, data_only=False, keep_links=False)
    except DAMAGE as error:
        raise ValueError(f"{path} is a damaged workbook ({error}): save it again from a spreadsheet program") from error


def _sheet_rows(sheet: Any, table: Table, problems: list[Problem]) -> list[Row]:
    before = len(problems)
    problems += _layout_problems(sheet, table)
    if len(problems) > before:
        return []
    rows = []
    for number, cells in enumerate(sheet.iter_rows(min_row=2, max_col=len(table.columns)), 2):
        if any(cell.value is not None for cell in cells):
            rows.append(_row(table, number, cells, problems))
    if not rows and not table.is_optional:
        problems.append(Problem(f"Sheet {table.sheet!r}, cell A2", f"is empty: give {table.columns[0].wanted}"))
    return rows


def _layout_problems(sheet: Any, table: Table) -> list[Problem]:
    where = f"Sheet {table.sheet!r}"
    if not isinstance(sheet, Worksheet):
        return [Problem(where, "is a chart: it must be a table")]
    if sheet.max_row > MAX_ROWS:
        return [Problem(where, f"reaches down to row {sheet.max_row}: use at most {MAX_ROWS} rows")]
    if sheet.merged_cells.ranges:
        found = sorted(str(cells) for cells in sheet.merged_cells.ranges)
        return [Problem(f"{where}, cells {cells}", "are merged: unmerge them") for cells in found]
    return [*_header_problems(sheet, table), *_extra_columns(sheet, table)]


def _header_problems(sheet: Worksheet, table: Table) -> list[Problem]:
    return [
        Problem(f"Sheet {table.sheet!r}, cell {letter}1", f"is {_short(sheet[f'{letter}1'].value)}: must be {header!r}")
        for header, letter in ((column.header, table.letter[column.field]) for column in table.columns)
        if sheet[f"{letter}1"].value != header
    ]


def _extra_columns(sheet: Worksheet, table: Table) -> list[Problem]:
    """The first cell in use of each column too many.

    `_cells` because openpyxl's public ways make every cell they pass: a sheet may claim millions.
    """
    first: dict[int, int] = {}
    for (row, column), cell in sheet._cells.items():
        if column > len(table.columns) and cell.value is not None:
            first[column] = min(row, first.get(column, row))
    return [
        Problem(
            f"Sheet {table.sheet!r}, cell {sheet._cells[row, column].coordinate}",
            f"is beyond the table's {len(table.columns)} columns: remove it",
        )
        for column, row in sorted(first.items())[:5]
    ]


def _row(table: Table, number: int, cells: tuple[Cell | MergedCell, ...], problems: list[Problem]) -> Row:
    values: dict[str, Any] = {}
    for column, cell in zip(table.columns, cells, strict=True):
        try:
            values[column.field] = _value(column, cell)
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


def _value(column: Column, cell: Cell | MergedCell) -> str | float | None:
    value = cell.value
    if value is None and column.optional:
        return None
    advice = f"give {column.wanted}"
    if value is None:
        raise _Wrong(f"is empty, {advice}")
    if cell.data_type == "f":
        raise _Wrong(f"holds a formula, {advice}: paste its value")
    if cell.data_type not in ("n", "s"):
        raise _Wrong(f"is {_short(value)}, {advice}")
    return _number(column, value) if column.kind is Kind.NUMBER else _text(column, value)


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
