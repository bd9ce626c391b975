"""What is laid beside a task: files, whose type is judged by what they hold and not by what they are called, and words.

Pure. Archives are refused but for the two kinds of office file, whose parts are looked up and never unpacked.
"""

import io
import zipfile
from typing import Final

from tenants.data import FieldError, Invalid

FILE_BYTES: Final = 10_000_000
FILES_A_TASK: Final = 20
NAME_CHARS: Final = 200
QUESTION_CHARS: Final = 4_000
# Unanswered ones of a firm, and all of a task.
WAITING_A_FIRM: Final = 10
QUESTIONS_A_TASK: Final = 200

MARKS: Final = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
OFFICE: Final = {
    "xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "word/document.xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
STEP, DXF, CSV = "model/step", "image/vnd.dxf", "text/csv"
MEDIA_TYPES: Final = (*MARKS.values(), *OFFICE.values(), STEP, DXF, CSV)
ACCEPTED: Final = "PDF, PNG, JPEG, CSV, XLSX, DOCX, STEP or DXF"
# Tab, line feed, carriage return: the only control characters of a text.
CONTROLS: Final = {*range(32), 127} - {9, 10, 13}


def media_type_of(name: str, content: bytes) -> str:
    """One of MEDIA_TYPES, by what the file holds; Invalid at /file if it is empty, too large or none of them."""
    if not 1 <= len(content) <= FILE_BYTES:
        raise _refused(f"give 1 to {FILE_BYTES // 1_000_000} MB")
    for mark, media_type in MARKS.items():
        if content.startswith(mark):
            return media_type
    found = _office_type(content) if content.startswith(b"PK") else _text_type(name, content)
    if found is None:
        raise _refused(f"give a {ACCEPTED}")
    return found


def clean_name(name: str) -> str:
    """The last part of a file's name without what no name needs; Invalid at /file if nothing is left."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(character for character in last if character.isprintable() and character not in '"<>|:*?').strip()
    if not kept.strip("."):
        raise _refused("give it a name")
    return kept[-NAME_CHARS:]


def checked_words(text: str, pointer: str) -> str:
    """A question or answer; Invalid if it is empty or too long."""
    if not 1 <= len(text.strip()) <= QUESTION_CHARS:
        raise Invalid("It can't be taken.", (FieldError(pointer, f"give 1 to {QUESTION_CHARS} characters"),))
    return text.strip()


def _office_type(content: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            names = set(parts.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    if "[Content_Types].xml" not in names or any(name.endswith("vbaProject.bin") for name in names):
        return None
    return next((media_type for part, media_type in OFFICE.items() if part in names), None)


def _text_type(name: str, content: bytes) -> str | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if any(ord(character) in CONTROLS for character in text):
        return None
    if text.startswith("ISO-10303-21;"):
        return STEP
    lines = [line.strip() for line in text.lstrip()[:200].splitlines()[:2]]
    if lines == ["0", "SECTION"]:
        return DXF
    return CSV if name.lower().endswith(".csv") else None


def _refused(words: str) -> Invalid:
    return Invalid("The file can't be taken.", (FieldError("/file", words),))
