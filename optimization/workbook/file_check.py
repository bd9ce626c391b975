"""Is this file a plain Excel workbook, or a zip of tables, of bearable size? Decided before any of it is parsed."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

CHUNK_BYTES = 1 << 20
MAX_PARTS = 300
BOOK = "xl/workbook.xml"
TAIL_BYTES = 16
# The cell, its value, its text; any other tag costs about as much to read as a cell does.
TAGS_A_CELL = 3
# All that zipfile was seen to raise on what is no zip, or a spoiled one.
NO_ZIP = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, OSError)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a file may have, as it comes, unpacked, and in cells, of which each takes about 30 µs to read.

    What is not a cell counts too: a file of nothing but styles takes as long.
    """

    file_bytes: int = 20_000_000
    unpacked_bytes: int = 64_000_000
    cells: int = 1_000_000


ANY_FILE = Bounds()


class _Refused(ValueError):
    """In words, about the file."""


def require_plain_workbook(file: IO[bytes], name: str, bounds: Bounds = ANY_FILE) -> None:
    """ValueError in words: no .xlsx, too large packed, unpacked or in cells, macros, links, XML entities."""
    words = f"{name} is not an Excel workbook (.xlsx): save it as one, without a password"
    _open(file, name, bounds, words, _check_book)


def zip_texts(file: IO[bytes], name: str, bounds: Bounds = ANY_FILE) -> dict[str, bytes]:
    """The files of a zip by their names; ValueError in words: no zip, or too large packed or unpacked."""

    def read(name: str, parts: zipfile.ZipFile, bounds: Bounds) -> dict[str, bytes]:
        return {info.filename: parts.read(info) for info in parts.infolist() if not info.is_dir()}

    return _open(file, name, bounds, f"{name} is not a zip of tables: pack them anew, without a password", read)


def _open(
    file: IO[bytes],
    name: str,
    bounds: Bounds,
    words: str,
    use: Callable[[str, zipfile.ZipFile, Bounds], dict[str, bytes]],
) -> dict[str, bytes]:
    size = file.seek(0, 2)
    file.seek(0)
    _refuse(size > bounds.file_bytes, name, f"has {size:,} bytes, above {bounds.file_bytes:,}: split it or use JSON")
    try:
        with zipfile.ZipFile(file) as parts:
            infos = parts.infolist()
            unpacked = sum(info.file_size for info in infos)
            too_large = len(infos) > MAX_PARTS or unpacked > bounds.unpacked_bytes
            _refuse(too_large, name, f"unpacks to {unpacked:,} bytes in {len(infos)} parts: too large, use JSON")
            return use(name, parts, bounds)
    except _Refused:
        raise
    except NO_ZIP as error:
        raise ValueError(words) from error
    finally:
        file.seek(0)


def _check_book(name: str, parts: zipfile.ZipFile, bounds: Bounds) -> dict[str, bytes]:
    names = {part.lower() for part in parts.namelist()}
    _refuse(BOOK not in names, name, "is not an Excel workbook (.xlsx): save it as one")
    _refuse(any("vbaproject" in part for part in names), name, "holds macros: save it as .xlsx without them")
    linked = any(part.startswith("xl/externallinks/") for part in names)
    _refuse(linked, name, "links to other workbooks: break the links and save it again")
    tags = 0
    for info in parts.infolist():
        if info.filename.lower().endswith((".xml", ".rels")):
            with parts.open(info) as part:
                tags += _checked_tags(name, part)
            too_many = tags > TAGS_A_CELL * bounds.cells
            _refuse(too_many, name, f"has more in it than {bounds.cells:,} cells: too large to read, use JSON")
    return {}


def _checked_tags(name: str, part: IO[bytes]) -> int:
    """How many open. A workbook's XML is UTF-8 and declares no entities, so nothing in it can expand."""
    tail, tags = b"", 0
    while chunk := part.read(CHUNK_BYTES):
        text = tail + chunk
        odd = b"<!DOCTYPE" in text or b"<!ENTITY" in text or b"\0" in text
        _refuse(odd, name, "declares XML entities: save it again from a spreadsheet program")
        tags += _count(text) - _count(tail)
        tail = text[-TAIL_BYTES:]
    return tags


def _count(text: bytes) -> int:
    return text.count(b"<") - text.count(b"</")


def _refuse(wrong: bool, name: str, words: str) -> None:
    if wrong:
        raise _Refused(f"{name} {words}")
