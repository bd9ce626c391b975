"""What must hold between rows: keys once, names that exist, a row for each period."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from optimization.data import Problem
from optimization.workbook.read import Rows
from optimization.workbook.tables import TABLE, TABLES, Row, Table


def link_problems(rows: Rows) -> list[Problem]:
    """All problems between rows of `read_rows`; rows whose keys could not be read are left aside."""
    found: list[Problem] = []
    for table in TABLES:
        for check in (_repeated, _unknown, _orphans, _missing_periods):
            found += check(rows, table)
    return found + list(_set_problems(rows))


def _whole(rows: Rows, sheet: str) -> list[Row]:
    """Rows whose keys were read."""
    return [row for row in rows[sheet] if None not in _required(row)]


def _required(row: Row) -> tuple[object, ...]:
    return tuple(row.values[column.field] for column in row.table.keys if not column.optional)


def _is_whole(rows: Rows, sheet: str) -> bool:
    return len(_whole(rows, sheet)) == len(rows[sheet]) > 0


def _repeated(rows: Rows, table: Table) -> Iterator[Problem]:
    first: dict[tuple[object, ...], int] = {}
    single = table.sheet in ("Options", "Uncertainty")
    for row in _whole(rows, table.sheet):
        key = () if single else row.key
        if key in first:
            words = "give one row only" if single else f"repeats row {first[key]}: keep one"
            yield Problem(row.place(), words)
        first.setdefault(key, row.number)


def _unknown(rows: Rows, table: Table) -> Iterator[Problem]:
    for column in table.columns:
        if not column.of or not rows[column.of]:
            continue
        known = {next(iter(row.values.values())) for row in rows[column.of]}
        for row in rows[table.sheet]:
            value = row.values[column.field]
            if value is not None and value not in known:
                words = f"is {value!r}, which sheet {column.of!r} does not have: add it there or correct the name"
                yield Problem(row.place(column.field), words)


def _orphans(rows: Rows, table: Table) -> Iterator[Problem]:
    """Keys that begin with no key of the sheet that holds them, where that is more than a single name."""
    holder = table.parent or table.within
    if not holder or TABLE[holder].n_keys == 1 or not _is_whole(rows, holder):
        return
    known, n_keys = {row.key for row in rows[holder]}, TABLE[holder].n_keys
    for row in _whole(rows, table.sheet):
        if row.key[:n_keys] not in known:
            names = ", ".join(map(repr, row.key[:n_keys]))
            yield Problem(row.place(), f"is of {names}, which sheet {holder!r} does not have: add or correct it")


def _missing_periods(rows: Rows, table: Table) -> Iterator[Problem]:
    """Of each key of the parent, or each own one, the periods without a row."""
    if not table.is_per_period or not _is_whole(rows, "Periods"):
        return
    if len(_whole(rows, table.sheet)) < len(rows[table.sheet]):
        return
    owners = rows[table.parent] if table.parent else rows[table.sheet]
    key: Callable[[Row], tuple[object, ...]] = (lambda row: row.key) if table.parent else (lambda row: row.owner)
    given = {row.key for row in rows[table.sheet]}
    seen = set()
    for row in owners:
        if key(row) in seen or None in key(row):
            continue
        seen.add(key(row))
        absent = [t.values["period"] for t in rows["Periods"] if (*key(row), t.values["period"]) not in given]
        if absent:
            yield Problem(row.place(), f"has no row in sheet {table.sheet!r} for {_listed(absent)}: add it")


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _set_problems(rows: Rows) -> Iterator[Problem]:
    """The kind of uncertainty says which cells and sheets it needs; others are left empty."""
    for row in rows["Uncertainty"][:1]:
        kind, base = row.values["kind"], row.values["base"]
        for field in ("Pi", "pi", "base"):
            needed = kind == "paper" and field != "base"
            allowed = needed or (field == "base" and kind == "polyhedron")
            if (row.values[field] is None and needed) or (row.values[field] is not None and not allowed):
                yield Problem(row.place(field), f"kind {kind!r} {'needs this' if needed else 'has none: clear it'}")
        yield from _sheet_use(rows, row, "Budget", "budget" in (kind, base))
        for sheet in ("Grade rows", "Grade row limits", "Grade row terms"):
            yield from _sheet_use(rows, row, sheet, kind == "polyhedron")
        if "budget" in (kind, base):
            yield from _missing_budgets(rows)


def _sheet_use(rows: Rows, row: Row, sheet: str, needed: bool) -> Iterator[Problem]:
    if needed and not rows[sheet]:
        yield Problem(row.place(), f"needs rows in sheet {sheet!r}: add them")
    if rows[sheet] and not needed:
        words = f"sheet {sheet!r} is in use, which kind {row.values['kind']!r} does not have: clear it"
        yield Problem(rows[sheet][0].place(), words)


def _missing_budgets(rows: Rows) -> Iterator[Problem]:
    given = {row.values["mine"] for row in rows["Budget"]}
    for row in rows["Mines"]:
        if given and row.values["mine"] not in given:
            yield Problem(row.place(), "has no row in sheet 'Budget': add it")
