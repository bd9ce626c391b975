"""Bodies that are files: a workbook or a zip of tables as what a plan's request says in JSON.

They are read before any transaction is opened, within bounds that keep a request to some seconds and little memory.
"""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.exceptions import SuspiciousOperation
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, MultiPartParser

from optimization.data import InstanceError, SolveOptions, SupplyChainInstance
from optimization.exchange.files import XLSX, ZIP
from optimization.workbook.csv_tables import read_zip
from optimization.workbook.file_check import Bounds
from optimization.workbook.fold import read_workbook
from tenants.data import FieldError, Invalid

# A body is bounded before (limits.BodyLimit); this bounds what it unpacks to.
BOUNDS = Bounds(unpacked_bytes=16_000_000, cells=200_000)
PLACE = re.compile(r"Sheet '(.*)'(?:, cells? (\S+))?")
FILE_FIELD = "workbook"
Document = dict[str, Any]


class WorkbookParser(BaseParser):
    """An .xlsx body as the request it stands for."""

    media_type = XLSX

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Document:
        return request_of_workbook(stream.read())


class ZipParser(BaseParser):
    """A zip body as {"tables": the text of each table by its name}."""

    media_type = ZIP

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Document:
        with told_at_cells("The tables can't be read."):
            return {"tables": read_zip(io.BytesIO(stream.read()), "the file", BOUNDS)}


class WorkbookFormParser(MultiPartParser):
    """A form with the file `workbook`, and, if they are wanted, fields `name` and `grade_set`."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Document:
        try:
            form = super().parse(stream, media_type=media_type, parser_context=parser_context)
        except SuspiciousOperation as error:
            raise ParseError(f"The form is not acceptable: {error}") from error
        files = form.files.getlist(FILE_FIELD)
        if len(files) != 1 or len(form.files) != 1:
            raise Invalid("The form has no workbook.", (FieldError(f"/{FILE_FIELD}", "send one .xlsx file"),))
        said = {name: form.data[name] for name in ("name", "grade_set") if form.data.get(name)}
        return request_of_workbook(files[0].read()) | said


def request_of_workbook(content: bytes) -> Document:
    with told_at_cells("The workbook can't be read."):
        return request_of(*read_workbook(io.BytesIO(content), "the file", BOUNDS))


def request_of(instance: SupplyChainInstance, options: SolveOptions) -> Document:
    return {"name": instance.name, "instance": json.loads(instance.to_json()), "options": asdict(options)}


@contextmanager
def told_at_cells(detail: str) -> Iterator[None]:
    """Invalid, each error at its cell as Excel writes it, instead of what the core refuses."""
    try:
        yield
    except InstanceError as error:
        told = tuple(FieldError(_cell(problem.path), problem.message) for problem in error.problems)
        raise Invalid(detail, told) from error
    except ValueError as error:
        raise Invalid(detail, (FieldError(f"/{FILE_FIELD}", str(error)),)) from error


def _cell(place: str) -> str:
    """`'Mill lanes'!A2`, or the sheet alone, or the file for what is of no sheet."""
    found = PLACE.fullmatch(place)
    if found is None:
        return f"/{FILE_FIELD}"
    sheet, cell = found.groups()
    name = sheet if sheet.isalnum() else "'{}'".format(sheet.replace("'", "''"))
    return f"{name}!{cell}" if cell else f"{name}!"
