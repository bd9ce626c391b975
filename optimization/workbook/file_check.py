"""Is this file a plain Excel workbook of bearable size? Decided before anything of it is parsed."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import IO

MAX_FILE_BYTES = 20_000_000
MAX_UNPACKED_BYTES = 64_000_000
MAX_PARTS = 300
CHUNK_BYTES = 1 << 20
BOOK = "xl/workbook.xml"


class _Refused(ValueError):
    """In words, about the file."""


def require_plain_workbook(path: Path) -> None:
    """ValueError in words: not an .xlsx, too large packed or unpacked, macros, links to other files, XML entities."""
    _refuse(path.suffix.lower() != ".xlsx", path, "is not an Excel workbook (.xlsx): save it as one")
    size = path.stat().st_size
    _refuse(size > MAX_FILE_BYTES, path, f"has {size:,} bytes, above {MAX_FILE_BYTES:,}: split the plan or use JSON")
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as parts:
            _check_parts(path, parts)
    except _Refused:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ValueError(f"{path} is not an Excel workbook (.xlsx): save it as one, without a password") from error


def _check_parts(path: Path, parts: zipfile.ZipFile) -> None:
    infos, names = parts.infolist(), {name.lower() for name in parts.namelist()}
    _refuse(BOOK not in names, path, "is not an Excel workbook (.xlsx): save it as one")
    _refuse(any("vbaproject" in name for name in names), path, "holds macros: save it as .xlsx without them")
    linked = any(name.startswith("xl/externallinks/") for name in names)
    _refuse(linked, path, "links to other workbooks: break the links and save it again")
    unpacked = sum(info.file_size for info in infos)
    too_large = len(infos) > MAX_PARTS or unpacked > MAX_UNPACKED_BYTES
    _refuse(too_large, path, f"unpacks to {unpacked:,} bytes in {len(infos)} parts: too large to read, use JSON")
    for info in infos:
        if info.filename.lower().endswith((".xml", ".rels")):
            with parts.open(info) as part:
                _check_xml(path, part)


def _check_xml(path: Path, part: IO[bytes]) -> None:
    """A workbook's XML is UTF-8 and declares no entities, so nothing in it can expand."""
    tail = b""
    while chunk := part.read(CHUNK_BYTES):
        text = tail + chunk
        odd = b"<!DOCTYPE" in text or b"<!ENTITY" in text or b"\0" in text
        _refuse(odd, path, "declares XML entities: save it again from a spreadsheet program")
        tail = text[-16:]


def _refuse(wrong: bool, path: Path, words: str) -> None:
    if wrong:
        raise _Refused(f"{path} {words}")
