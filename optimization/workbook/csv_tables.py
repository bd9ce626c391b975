"""The workbook's tables as CSV files in a zip, out and in: the same names, columns and judgement of every cell."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from optimization.data import Problem, SolveOptions, SupplyChainInstance
from optimization.workbook.file_check import ANY_FILE, Bounds, zip_texts
from optimization.workbook.fold import fold
from optimization.workbook.read import table_rows
from optimization.workbook.tables import RESULTS, TABLE, TABLES, Kind, Row, Table
from optimization.workbook.unfold import rows_of
from optimization.workbook.write import shown_row

# What a spreadsheet would run, and the apostrophe itself, so that a name comes back as it was.
RUN = ("=", "+", "-", "@", "'")
DELIMITERS = (",", ";", "\t")
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
Tables = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CsvCell:
    """As openpyxl has cells."""

    value: str | float
    data_type: str
    number_format: str = "General"


# Out ----------------------------------------------------------------------------------------------------------------


def csv_bytes(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """UTF-8 with the mark by which Excel knows it; text that a spreadsheet would run gets an apostrophe before it."""
    return _text(headers, rows).encode("utf-8-sig")


def instance_tables(instance: SupplyChainInstance, options: SolveOptions) -> dict[str, str]:
    """The text of each table by its name."""
    rows = rows_of(instance, options)
    return {
        table.sheet: _text([c.header for c in table.columns], (shown_row(table, row) for row in rows[table.sheet]))
        for table in TABLES
    }


def zipped(tables: Mapping[str, bytes]) -> bytes:
    """A zip of `NAME.csv`; the same tables make the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in tables.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.csv", FIRST_DAY), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def instance_zip(instance: SupplyChainInstance, options: SolveOptions) -> bytes:
    """What `read_zip` reads back to the same instance and options."""
    return zipped({name: text.encode("utf-8-sig") for name, text in instance_tables(instance, options).items()})


def _text(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    made = io.StringIO(newline="")
    writer = csv.writer(made)
    writer.writerow(headers)
    writer.writerows([inert(value) for value in row] for row in rows)
    return made.getvalue()


def inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(RUN) else value


# In -----------------------------------------------------------------------------------------------------------------


def read_zip(file: IO[bytes], name: str, bounds: Bounds = ANY_FILE) -> dict[str, str]:
    """The tables of a zip by name, those of a plan left out; ValueError in words where it is no zip of tables."""
    found: dict[str, str] = {}
    for path, content in zip_texts(file, name, bounds).items():
        sheet = path.rpartition("/")[2].removesuffix(".csv")
        if path.startswith("__MACOSX/") or sheet in (".DS_Store", *RESULTS):
            continue
        if sheet not in TABLE or not path.endswith(".csv") or sheet in found:
            raise ValueError(f"{name} has {path[:100]!r}: give each table once, {', '.join(TABLE)}, as NAME.csv")
        found[sheet] = _decoded(content, f"{name}, {path}")
    cells = sum(text.count("\n") + sum(text.count(d) for d in DELIMITERS) for text in found.values())
    if cells > bounds.cells:
        raise ValueError(f"{name} has more than {bounds.cells:,} cells: too large to read, use JSON")
    return found


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not UTF-8 (byte {error.start}): save it as CSV UTF-8") from error


def read_tables(tables: Tables) -> tuple[SupplyChainInstance, SolveOptions]:
    """The instance and the options; InstanceError holds all problems, its paths are cells as in the workbook."""
    rows: dict[str, list[Row]] = {}
    problems: list[Problem] = []
    for table in TABLES:
        rows[table.sheet] = []
        if table.sheet in tables:
            rows[table.sheet] = _rows(table, tables[table.sheet], problems)
        elif not table.is_optional:
            problems.append(Problem(f"Sheet {table.sheet!r}", "is missing: begin with the tables of a plan's instance"))
    return fold(rows, problems)


def _rows(table: Table, text: str, problems: list[Problem]) -> list[Row]:
    headers = [column.header for column in table.columns]
    first = text.split("\n", 1)[0]
    try:
        delimiter = next((d for d in DELIMITERS if next(csv.reader([first], delimiter=d), []) == headers), ",")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return table_rows(dict(_cells(table, reader)), (), table, problems)
    except csv.Error as error:
        problems.append(Problem(f"Sheet {table.sheet!r}", f"is not CSV: {error}"))
        return []


def _cells(table: Table, rows: Iterable[list[str]]) -> Iterator[tuple[int, dict[int, Any]]]:
    """By row and column, as a sheet has them; what is empty is not there."""
    for number, row in enumerate(rows, 1):
        held = {k: _cell(table, k, text, number == 1) for k, text in enumerate(row, 1) if text.strip()}
        if held:
            yield number, held


def _cell(table: Table, k: int, text: str, is_header: bool) -> CsvCell:
    if is_header or k > len(table.columns) or table.columns[k - 1].kind is not Kind.NUMBER:
        return CsvCell(text[1:] if text.startswith("'") and text[1:].startswith(RUN) else text, "s")
    try:
        number = float(text)
    except ValueError:
        return CsvCell(text, "s")
    return CsvCell(number, "n") if math.isfinite(number) and "_" not in text else CsvCell(text, "s")
