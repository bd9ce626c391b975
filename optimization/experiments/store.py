"""Results of solves as JSON lines, one a solve: what is there is not solved again, also after a crash."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optimization.files import write_whole

Row = dict[str, Any]


def name_of(key: Mapping[str, Any]) -> str:
    """The key as one text, whatever its order."""
    return json.dumps(key, sort_keys=True)


class Store:
    """Rows by their key, the mapping of everything that decides a result. Without a path nothing is kept.

    A last line that a crash left unfinished is cut off; ValueError when any other line is not a row.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._rows: dict[str, Row] = {}
        if path is not None and path.exists():
            self._read(path)

    def get(self, key: Mapping[str, Any]) -> Row | None:
        return self._rows.get(name_of(key))

    def put(self, key: Mapping[str, Any], row: Row) -> None:
        """Written through to the disk before it returns."""
        self._append({"key": dict(key), "row": row})
        self._rows[name_of(key)] = row

    def __len__(self) -> int:
        return len(self._rows)

    def _read(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            write_whole(path, whole)
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                entry = json.loads(line)
                self._rows[name_of(entry["key"])] = entry["row"]
            except (json.JSONDecodeError, KeyError, TypeError) as error:
                raise ValueError(f"{path}, line {number}: is no row of an experiment: remove the line") from error

    def _append(self, entry: Row) -> None:
        if self.path is None:
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


def csv_of(rows: Sequence[Row]) -> str:
    """A table with every field of any row; lists and objects are left to the JSON."""
    names = list(dict.fromkeys(k for row in rows for k, v in row.items() if not isinstance(v, list | dict)))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
