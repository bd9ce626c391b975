"""Rows to an Excel file: units in the headers, frozen header rows, lists to choose from and limits on numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from optimization.data import SolveOptions, SupplyChainInstance
from optimization.workbook.tables import MAX_ROWS, READ_ME, TABLES, Column, Kind, Table
from optimization.workbook.unfold import Values, rows_of

HEADER_FONT, HEADER_FILL = Font(bold=True), PatternFill("solid", fgColor="DDE6F0")
WIDEST = 110
NO_XML = frozenset(chr(code) for code in (0xFFFE, 0xFFFF, *range(0xD800, 0xE000)))
ADVICE = (
    "One table a sheet: row 1 holds the headers with their units; keep it and the order of the columns as they are.",
    "Grades are in percent: 0.6 % is 0.6. Numbers are plain: no formulas, no text, no merged cells.",
    "Where a sheet has a column Period, give one row for each period of the sheet Periods.",
    "Names must be the same, letter by letter, on every sheet; rows without anything in them are left out.",
    "An empty number is never taken for zero: give 0. Numbers are below 1e9: use kt and k$ beyond that.",
    "Back to an instance: python -m optimization workbook to-instance THIS.xlsx --output instance.json",
)


def workbook_bytes(instance: SupplyChainInstance, options: SolveOptions | None = None) -> bytes:
    """The instance as an .xlsx file; ValueError when a name holds characters no Excel file can."""
    return saved(workbook_of(instance, options or SolveOptions()))


def workbook_of(instance: SupplyChainInstance, options: SolveOptions) -> Workbook:
    """The same as a book to which sheets may be added."""
    return _book(rows_of(instance, options))


def template_bytes(instance: SupplyChainInstance) -> bytes:
    """The names of the instance with every number left empty, to be filled in."""
    rows = rows_of(instance, SolveOptions())
    filled = {"Options", "Uncertainty"}
    return saved(
        _book(
            {
                table.sheet: rows[table.sheet]
                if table.sheet in filled
                else [_names_only(table, row) for row in rows[table.sheet]]
                for table in TABLES
            }
        )
    )


def _names_only(table: Table, row: Values) -> Values:
    return tuple(value if column.kind is Kind.NAME else None for column, value in zip(table.columns, row, strict=True))


def _book(rows: dict[str, list[Values]]) -> Workbook:
    book = Workbook()
    read_me = book.active
    assert isinstance(read_me, Worksheet)
    read_me.title = READ_ME
    about = [(table.sheet, table.about) for table in TABLES]
    fill_sheet(read_me, ("Sheet", "What it holds"), [*about, *(("", line) for line in ADVICE)])
    for table in TABLES:
        sheet = book.create_sheet(table.sheet)
        shown = [shown_row(table, row) for row in rows[table.sheet]]
        fill_sheet(sheet, [column.header for column in table.columns], shown)
        for column in table.columns:
            _add_validation(sheet, column, table.letter[column.field])
    return book


def saved(book: Workbook) -> bytes:
    """The book as a file's bytes."""
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


def fill_sheet(sheet: Worksheet, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Headers, frozen, and the rows under them: text stays text and numbers keep all their digits."""
    for k, header in enumerate(headers, 1):
        cell = sheet.cell(1, k, header)
        cell.font, cell.fill = HEADER_FONT, HEADER_FILL
    sheet.freeze_panes = "A2"
    widths = [len(header) for header in headers]
    for number, row in enumerate(rows, 2):
        for k, value in enumerate(row, 1):
            if value is not None:
                _put(sheet, number, k, value)
                widths[k - 1] = max(widths[k - 1], len(str(value)))
    for k, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(k)].width = min(width + 2, WIDEST)


def _put(sheet: Worksheet, row: int, column: int, value: Any) -> None:
    if not isinstance(value, str):
        # openpyxl would print sixteen digits of a float; its text has all that are needed to read it back.
        cell = sheet.cell(row, column, str(value))
        cell.data_type = "n"
        return
    if NO_XML.intersection(value):
        raise ValueError(f"{value!r} holds a character that no Excel file can: rename it")
    cell = sheet.cell(row, column, value)
    cell.data_type = "s"  # a name that begins with = is no formula
    cell.quotePrefix = value.startswith(("=", "+", "-", "@"))


def shown_row(table: Table, row: Values) -> Values:
    """As it stands in the sheet: grades in percent."""
    return tuple(
        _percent(value) if column.is_percent and value is not None else value
        for column, value in zip(table.columns, row, strict=True)
    )


def _percent(fraction: float) -> Decimal:
    """Exactly a hundred times the decimal digits: 0.57 is 57, which 0.57 * 100 is not."""
    return Decimal(repr(float(fraction))).scaleb(2)


def _add_validation(sheet: Worksheet, column: Column, letter: str) -> None:
    rule = _validation(column)
    if rule is None:
        return
    rule.error, rule.errorTitle, rule.showErrorMessage = f"Give {column.wanted}."[:250], "Not usable", True
    rule.add(f"{letter}2:{letter}{MAX_ROWS}")
    sheet.add_data_validation(rule)


def _validation(column: Column) -> DataValidation | None:
    if column.kind is Kind.CHOICE:
        return DataValidation("list", formula1=f'"{",".join(column.choices)}"', allow_blank=True)
    if column.of:
        return DataValidation("list", formula1=f"'{column.of}'!$A$2:$A${MAX_ROWS}", allow_blank=True)
    if column.kind is Kind.NUMBER:
        limits = str(column.least), str(column.most)
        return DataValidation("decimal", operator="between", formula1=limits[0], formula2=limits[1], allow_blank=True)
    return None
