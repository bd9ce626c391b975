"""From an instance to the rows of the workbook, in the order of the columns; grades still as fractions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from optimization.data import SolveOptions, SupplyChainInstance
from optimization.workbook.tables import TABLE

Document = Mapping[str, Any]
Values = tuple[Any, ...]


def rows_of(instance: SupplyChainInstance, options: SolveOptions) -> dict[str, list[Values]]:
    """Rows by sheet, for every sheet of `tables.TABLES`."""
    document = instance.to_document()
    solving = (instance.name, options.gap, options.time_limit_s, options.threads, options.seed)
    made: dict[str, list[Values]] = {"Options": [solving]}
    made |= {"Periods": [(t,) for t in instance.periods], "Users": [(s,) for s in instance.users]}
    return made | {sheet: list(rows(document)) for sheet, rows in _UNFOLD.items()}


def _once(sheet: str, key: Sequence[str], row: Document) -> Values:
    """The key, then the fields of the sheet's other columns."""
    return (*key, *(row[column.field] for column in TABLE[sheet].columns[len(key) :]))


def _each_period(sheet: str, key: Sequence[str], row: Document, periods: Sequence[str]) -> Iterator[Values]:
    fields = [column.field for column in TABLE[sheet].columns[len(key) + 1 :]]
    for t, period in enumerate(periods):
        yield (*key, period, *(row[name][t] for name in fields))


def _options(document: Document) -> Iterator[tuple[tuple[str, str, str], Document]]:
    for mine in document["mines"]:
        for location in mine["locations"]:
            for cutoff in location["cutoffs"]:
                yield (mine["name"], location["name"], cutoff["name"]), cutoff


def _mines(document: Document) -> Iterator[Values]:
    return (_once("Mines", (mine["name"],), mine) for mine in document["mines"])


def _mines_by_period(document: Document) -> Iterator[Values]:
    for mine in document["mines"]:
        yield from _each_period("Mines by period", (mine["name"],), mine, document["periods"])


def _locations(document: Document) -> Iterator[Values]:
    return (_once("Locations", key, cutoff) for key, cutoff in _options(document))


def _cutoffs(document: Document) -> Iterator[Values]:
    for key, cutoff in _options(document):
        yield from _each_period("Cut-offs", key, cutoff, document["periods"])


def _elements(document: Document) -> Iterator[Values]:
    for mine in document["mines"]:
        for element in mine.get("elements", ()):
            kind = "least" if "least" in element else "most"
            yield mine["name"], element["name"], kind, element[kind]


def _element_grades(document: Document) -> Iterator[Values]:
    for key, cutoff in _options(document):
        for grade in cutoff.get("grades", ()):
            yield from _each_period("Element grades", (*key, grade["element"]), grade, document["periods"])


def _centres(document: Document) -> Iterator[Values]:
    for centre in document["centres"]:
        yield from _each_period("Centres", (centre["name"],), centre, document["periods"])


def _lanes(section: str, sheet: str, ends: tuple[str, str]) -> Callable[[Document], Iterator[Values]]:
    return lambda document: (_once(sheet, [lane[end] for end in ends], lane) for lane in document[section])


def _lanes_by_period(section: str, sheet: str, ends: tuple[str, str]) -> Callable[[Document], Iterator[Values]]:
    def rows(document: Document) -> Iterator[Values]:
        for lane in document[section]:
            yield from _each_period(sheet, [lane[end] for end in ends], lane, document["periods"])

    return rows


def _uncertainty(document: Document) -> Iterator[Values]:
    held = document["uncertainty"]
    yield held["kind"], held.get("Pi"), held.get("pi"), held.get("base", {}).get("kind")


def _budget(document: Document) -> Iterator[Values]:
    held = document["uncertainty"]
    given = held.get("base", held).get("Gamma", ())
    return zip((mine["name"] for mine in document["mines"]), given, strict=False)


def _grade_rows(document: Document) -> Iterator[tuple[str, Document]]:
    return ((str(number), row) for number, row in enumerate(document["uncertainty"].get("rows", ()), 1))


def _rows(document: Document) -> Iterator[Values]:
    return ((number, row["mine"], row.get("name")) for number, row in _grade_rows(document))


def _row_limits(document: Document) -> Iterator[Values]:
    for number, row in _grade_rows(document):
        yield from _each_period("Grade row limits", (number,), row, document["periods"])


def _row_terms(document: Document) -> Iterator[Values]:
    for number, row in _grade_rows(document):
        for term in row["terms"]:
            yield number, term["location"], term["cutoff"], term.get("element"), term["value"]


_UNFOLD: dict[str, Callable[[Document], Iterator[Values]]] = {
    "Mines": _mines,
    "Mines by period": _mines_by_period,
    "Locations": _locations,
    "Cut-offs": _cutoffs,
    "Elements": _elements,
    "Element grades": _element_grades,
    "Centres": _centres,
    "Mill lanes": _lanes("mill_lanes", "Mill lanes", ("mine", "centre")),
    "Mill lanes by period": _lanes_by_period("mill_lanes", "Mill lanes by period", ("mine", "centre")),
    "User lanes": _lanes("user_lanes", "User lanes", ("centre", "user")),
    "User lanes by period": _lanes_by_period("user_lanes", "User lanes by period", ("centre", "user")),
    "Demand": _lanes_by_period("demands", "Demand", ("mine", "user")),
    "Uncertainty": _uncertainty,
    "Budget": _budget,
    "Grade rows": _rows,
    "Grade row limits": _row_limits,
    "Grade row terms": _row_terms,
}
