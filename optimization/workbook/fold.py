"""Rows to an instance: a document with a note of the cell behind each of its values, then the one builder of instances.

What the builder finds wrong at a JSON pointer is told at the cell.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from optimization.data import InstanceError, Problem, SolveOptions, SupplyChainInstance
from optimization.documents import MAX_PROBLEMS
from optimization.instance_builder import build_instance
from optimization.workbook.file_check import ANY_FILE, Bounds
from optimization.workbook.links import link_problems
from optimization.workbook.read import Rows, read_rows
from optimization.workbook.tables import Row

Key = tuple[Any, ...]


def read_instance(path: Path) -> tuple[SupplyChainInstance, SolveOptions]:
    """The instance and the options of a workbook's file; errors as of `read_workbook`."""
    if path.suffix.lower() != ".xlsx":
        raise ValueError(f"{path} is not an Excel workbook (.xlsx): save it as one")
    with path.open("rb") as file:
        return read_workbook(file, str(path))


def read_workbook(file: IO[bytes], name: str, bounds: Bounds = ANY_FILE) -> tuple[SupplyChainInstance, SolveOptions]:
    """The instance and the options of a workbook, which the words call `name`.

    InstanceError holds all problems, its paths are addresses of cells; ValueError when the file is no usable workbook.
    """
    return fold(*read_rows(file, name, bounds))


def fold(rows: Rows, problems: list[Problem]) -> tuple[SupplyChainInstance, SolveOptions]:
    """The instance and the options of rows that were read with these problems; InstanceError as of `read_workbook`."""
    problems = problems + link_problems(rows)
    if problems:
        more = [Problem("Workbook", f"holds {n} more problems")] if (n := len(problems) - MAX_PROBLEMS) > 0 else []
        raise InstanceError([*problems[:MAX_PROBLEMS], *more])
    folded = _Fold(rows)
    try:
        return build_instance(folded.document(), grades_in_percent=True), _options(rows["Options"][0])
    except InstanceError as error:
        told = [Problem(folded.place(problem.path), problem.message) for problem in error.problems]
        raise InstanceError(dict.fromkeys(told)) from error


def _options(row: Row) -> SolveOptions:
    values = row.values
    gap = float(Decimal(str(values["gap"])).scaleb(-2))
    return SolveOptions(gap, float(values["time_limit_s"]), int(values["threads"]), int(values["seed"]))


class _Fold:
    """Builds the document of docs/how-to/plan-headless.md and remembers which cell each pointer came from."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.places: dict[str, str] = {}
        self.position = {row.values["period"]: t for t, row in enumerate(rows["Periods"])}
        self.by_owner: dict[str, dict[Key, list[Row]]] = {}
        for sheet, found in rows.items():
            for row in found:
                self.by_owner.setdefault(sheet, {}).setdefault(row.owner, []).append(row)
        self.grades: dict[Key, list[Key]] = {}
        for owner in self.by_owner.get("Element grades", {}):
            self.grades.setdefault(owner[:-1], []).append(owner)

    def place(self, pointer: str) -> str:
        """The cell behind a pointer, or that of what holds it."""
        while pointer not in self.places and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, "Workbook")

    def document(self) -> dict[str, Any]:
        return {
            "format": "cloudmining.instance/1",
            "name": self.rows["Options"][0].values["name"],
            "periods": self._names("Periods", "/periods"),
            "mines": [self._mine(f"/mines/{m}", row) for m, row in enumerate(self.rows["Mines"])],
            "centres": self._series_only("Centres", "/centres", "name"),
            "users": self._names("Users", "/users"),
            "mill_lanes": self._lanes("Mill lanes", "/mill_lanes"),
            "user_lanes": self._lanes("User lanes", "/user_lanes"),
            "demands": self._series_only("Demand", "/demands", "mine", "user"),
            "uncertainty": self._uncertainty("/uncertainty"),
        }

    def _names(self, sheet: str, pointer: str) -> list[str]:
        self._note(pointer, {}, self.rows[sheet][0])
        for k, row in enumerate(self.rows[sheet]):
            self.places[f"{pointer}/{k}"] = row.place()
        return [row.key[0] for row in self.rows[sheet]]

    def _note(self, pointer: str, made: dict[str, Any], row: Row) -> None:
        self.places[pointer] = row.place()
        self.places.update({f"{pointer}/{field}": row.place(field) for field in made})

    def _scalars(self, pointer: str, row: Row, *, without: Iterable[str] = (), **renamed: str) -> dict[str, Any]:
        """The filled cells of a row; `renamed` maps a key of the document to the field it is taken from."""
        left_out = {*without, *renamed.values()}
        made = {k: v for k, v in row.values.items() if k not in left_out and v is not None}
        self._note(pointer, made, row)
        self.places.update({f"{pointer}/{key}": row.place(field) for key, field in renamed.items()})
        return made | {key: row.values[field] for key, field in renamed.items()}

    def _series(self, pointer: str, sheet: str, owner: Key) -> dict[str, list[Any]]:
        """One list a parameter with one number a period."""
        rows = sorted(self.by_owner[sheet][owner], key=lambda row: self.position[row.values["period"]])
        fields = [column.field for column in rows[0].table.columns[rows[0].table.n_keys :]]
        self.places.setdefault(pointer, rows[0].place())
        for field in fields:
            self.places[f"{pointer}/{field}"] = rows[0].place(field)
            self.places.update({f"{pointer}/{field}/{t}": row.place(field) for t, row in enumerate(rows)})
        return {field: [row.values[field] for row in rows] for field in fields}

    def _series_only(self, sheet: str, pointer: str, *names: str) -> list[dict[str, Any]]:
        owners = list(self.by_owner[sheet])
        self.places[pointer] = self.rows[sheet][0].place()
        return [
            dict(zip(names, owner, strict=True)) | self._series(f"{pointer}/{k}", sheet, owner)
            for k, owner in enumerate(owners)
        ]

    def _lanes(self, sheet: str, pointer: str) -> list[dict[str, Any]]:
        return [
            self._scalars(f"{pointer}/{k}", row) | self._series(f"{pointer}/{k}", f"{sheet} by period", row.key)
            for k, row in enumerate(self.rows[sheet])
        ]

    def _mine(self, pointer: str, row: Row) -> dict[str, Any]:
        name = row.values["mine"]
        elements = [other for other in self.rows["Elements"] if other.values["mine"] == name]
        made = self._scalars(pointer, row, name="mine") | self._series(pointer, "Mines by period", row.key)
        if elements:
            made["elements"] = [self._element(f"{pointer}/elements/{k}", other) for k, other in enumerate(elements)]
        return made | {"locations": self._locations(f"{pointer}/locations", name)}

    def _element(self, pointer: str, row: Row) -> dict[str, Any]:
        return self._scalars(pointer, row, without=("mine", "kind"), name="element", **{row.values["kind"]: "limit"})

    def _locations(self, pointer: str, mine: str) -> list[dict[str, Any]]:
        options: dict[str, list[Row]] = {}
        for row in self.rows["Locations"]:
            if row.values["mine"] == mine:
                options.setdefault(row.values["location"], []).append(row)
        made = []
        for i, (location, rows) in enumerate(options.items()):
            self.places[f"{pointer}/{i}"] = rows[0].place("location")
            cutoffs = [self._cutoff(f"{pointer}/{i}/cutoffs/{j}", row) for j, row in enumerate(rows)]
            made.append({"name": location, "cutoffs": cutoffs})
        return made

    def _cutoff(self, pointer: str, row: Row) -> dict[str, Any]:
        made = self._scalars(pointer, row, without=("mine", "location"), name="cutoff")
        made |= self._series(pointer, "Cut-offs", row.key)
        if owners := self.grades.get(row.key):
            made["grades"] = [self._element_grade(f"{pointer}/grades/{k}", owner) for k, owner in enumerate(owners)]
        return made

    def _element_grade(self, pointer: str, owner: Key) -> dict[str, Any]:
        return {"element": owner[-1]} | self._series(pointer, "Element grades", owner)

    def _uncertainty(self, pointer: str) -> dict[str, Any]:
        made = self._scalars(pointer, self.rows["Uncertainty"][0])
        if "base" in made:
            made["base"] = {"kind": made["base"]}
        if self.rows["Budget"]:
            holder = made.get("base", made)
            holder["Gamma"] = self._budget(f"{pointer}/base/Gamma" if "base" in made else f"{pointer}/Gamma")
        if self.rows["Grade rows"]:
            made["rows"] = [
                self._grade_row(f"{pointer}/rows/{k}", row) for k, row in enumerate(self.rows["Grade rows"])
            ]
        return made

    def _budget(self, pointer: str) -> list[Any]:
        """In the order of the mines."""
        given = {row.values["mine"]: row for row in self.rows["Budget"]}
        ordered = [given[row.values["mine"]] for row in self.rows["Mines"]]
        self.places[pointer] = ordered[0].place("Gamma")
        self.places.update({f"{pointer}/{m}": row.place("Gamma") for m, row in enumerate(ordered)})
        return [row.values["Gamma"] for row in ordered]

    def _grade_row(self, pointer: str, row: Row) -> dict[str, Any]:
        terms = [other for other in self.rows["Grade row terms"] if other.values["row"] == row.values["row"]]
        made = self._scalars(pointer, row, without=("row",)) | self._series(pointer, "Grade row limits", row.key)
        made["terms"] = [self._scalars(f"{pointer}/terms/{k}", r, without=("row",)) for k, r in enumerate(terms)]
        return made
