"""Windows of true events for a backtest: a line each, as they are typed, marked on a chart or kept in a CSV file."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

from django.core.files.uploadedfile import UploadedFile

from edge_bridge.catalogue.api import MOST_LABELS, Label
from tenants.data import FieldError, Invalid

LARGEST_FILE: Final = 100_000
MOST_WORDS: Final = 100
HEADERS: Final = ("start", "end")
FORM: Final = "write start, end, note: 2026-03-02 14:00, 2026-03-02 14:40, roof fell"


def read_labels(text: str, zone: tzinfo) -> list[Label]:
    """Of lines `start, end, note`; with a header line the columns may be in any order, and `due` beside them.

    Times are ISO 8601, those without an offset in the zone. Invalid names the line.
    """
    rows = [row for row in csv.reader(text.splitlines(), skipinitialspace=True) if any(map(str.strip, row))]
    columns = ["start", "end", "words"]
    if rows and {cell.strip().lower() for cell in rows[0]} >= set(HEADERS):
        columns = ["words" if cell.strip().lower() == "note" else cell.strip().lower() for cell in rows.pop(0)]
    if len(rows) > MOST_LABELS:
        raise Invalid("Too many labels.", (FieldError("/labels", f"at most {MOST_LABELS}"),))
    return [_label(dict(zip(columns, row, strict=False)), zone, n) for n, row in enumerate(rows)]


def text_of_file(file: UploadedFile | None) -> str:
    """What an uploaded CSV file says; nothing without one."""
    if file is None:
        return ""
    if file.size is None or file.size > LARGEST_FILE:
        raise Invalid("The file is too large.", (FieldError("/file", f"at most {LARGEST_FILE} bytes"),))
    try:
        return file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("The file can't be read.", (FieldError("/file", "a CSV file in UTF-8"),)) from None


def lines_of(labels: Iterable[Mapping[str, str]], zone: tzinfo) -> str:
    """Labels as a backtest keeps them, as lines that `read_labels` reads; of one with a `due` of its own, all four."""
    labels = list(labels)
    has_due = any(label["due"] != label["end"] for label in labels)
    lines = ["start, end, due, words"] if has_due else []
    for label in labels:
        names: Sequence[str] = ("start", "end", "due") if has_due else ("start", "end")
        times = [datetime.fromisoformat(label[name]).astimezone(zone).isoformat() for name in names]
        lines.append(", ".join([*times, _quoted(label["words"])]))
    return "\n".join(lines)


def _label(row: Mapping[str, str], zone: tzinfo, n: int) -> Label:
    start, end = (_time(row.get(name, ""), zone, f"/labels/{n}/{name}") for name in HEADERS)
    due = _time(row["due"], zone, f"/labels/{n}/due") if row.get("due", "").strip() else end
    return Label(start, end, due, row.get("words", "").strip()[:MOST_WORDS])


def _time(text: str, zone: tzinfo, pointer: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Invalid("A label can't be read.", (FieldError(pointer, FORM),)) from None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


def _quoted(words: str) -> str:
    return '"' + words.replace('"', '""') + '"' if set(words) & set(',"') else words
