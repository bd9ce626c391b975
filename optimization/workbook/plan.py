"""A plan for people: flows, stocks, cut-off calendar and the cost to the cent as Excel; all flows as CSV or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from openpyxl import Workbook

from optimization.data import Flow, Plan, SolveOptions, SupplyChainInstance
from optimization.explain.waterfall import cost_waterfall
from optimization.workbook.csv_tables import csv_bytes
from optimization.workbook.tables import READ_ME, RESULTS
from optimization.workbook.write import fill_sheet, saved, workbook_of

Record = dict[str, Any]
FIELDS = ("variable", "what", "mine", "location", "cutoff", "centre", "user", "period", "value", "unit")
NAMES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "x": ("ore mined", "t ore", ("mine", "location", "cutoff", "period")),
    "d": ("location open at the cut-off", "0 or 1", ("mine", "location", "cutoff", "period")),
    "y": ("ore blended", "t ore", ("mine", "period")),
    "u": ("stock at the mill", "t product", ("mine", "period")),
    "v": ("mill to centre", "t product", ("mine", "centre", "period")),
    "p": ("shipment to the centre runs", "0 or 1", ("mine", "centre", "period")),
    "w": ("stock at the centre", "t product", ("mine", "centre", "period")),
    "z": ("centre to user", "t product", ("mine", "centre", "user", "period")),
    "q": ("shipment to the user runs", "0 or 1", ("mine", "centre", "user", "period")),
}


def plan_bytes(instance: SupplyChainInstance, plan: Plan, suffix: str) -> bytes:
    """The plan as ".xlsx", ".csv" or ".json"; it must pass `check_plan`. ValueError for another suffix."""
    made = {".xlsx": _book, ".csv": _csv, ".json": _json}.get(suffix)
    if made is None:
        raise ValueError(f"a plan is written as .xlsx, .csv or .json, not {suffix!r}")
    return made(instance, plan)


def flow_records(plan: Plan) -> Iterator[Record]:
    """Every value of the plan with its names, quantity and unit; zeros are left out."""
    for variable, (what, unit, names) in NAMES.items():
        for key, value in getattr(plan, variable).items():
            if value:
                named = dict(zip(names, key, strict=True))
                yield {"variable": variable, "what": what, **named, "value": value, "unit": unit}


def _json(instance: SupplyChainInstance, plan: Plan) -> bytes:
    document = {"format": "cloudmining.plan_flows/1", "instance": instance.name, "flows": list(flow_records(plan))}
    return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _csv(instance: SupplyChainInstance, plan: Plan) -> bytes:
    """UTF-8 with the mark by which Excel knows it; text that a spreadsheet would run gets an apostrophe before it."""
    rows = ([record.get(field) for field in FIELDS] for record in flow_records(plan))
    return csv_bytes(FIELDS, rows)


def _book(instance: SupplyChainInstance, plan: Plan) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    fill_sheet(book.create_sheet(READ_ME), ("Sheet", "What it holds"), _read_me(instance))
    return saved(_with_plan(book, instance, plan))


def plan_beside_instance(instance: SupplyChainInstance, options: SolveOptions, plan: Plan | None) -> bytes:
    """One .xlsx with the instance, to be read back, and the plan, if there is one, on sheets that are passed over."""
    book = workbook_of(instance, options)
    return saved(book if plan is None else _with_plan(book, instance, plan))


def _with_plan(book: Workbook, instance: SupplyChainInstance, plan: Plan) -> Workbook:
    for name, (headers, rows) in plan_tables(instance, plan).items():
        fill_sheet(book.create_sheet(name), headers, rows)
    return book


def plan_tables(instance: SupplyChainInstance, plan: Plan) -> dict[str, tuple[Sequence[str], Iterable[Sequence[Any]]]]:
    """Headers and rows by the names of RESULTS."""
    tables: tuple[tuple[Sequence[str], Iterable[Sequence[Any]]], ...] = (
        (("Part", "Cost ($)"), _cost(instance, plan)),
        (("Mine", "Cost ($)"), _steps(instance, plan, "by_mine")),
        (("Period", "Cost ($)"), _steps(instance, plan, "by_period")),
        (("Mine", "Location", *instance.periods), _calendar(instance, plan)),
        (("Mine", "Location", "Cut-off", "Period", "Ore mined (t ore)"), _rows(plan.x)),
        (("Mine", "Period", "Ore blended (t ore)"), _rows(plan.y)),
        (("Flow", "Mine", "Centre", "User", "Period", "Product (t)"), _flows(plan)),
        (("Where", "Mine", "Centre", "Period", "Stock (t product)"), _stocks(plan)),
    )
    return dict(zip(RESULTS, tables, strict=True))


def _read_me(instance: SupplyChainInstance) -> list[tuple[str, str]]:
    return [
        ("", f"Plan of {instance.name}"),
        ("Cost", "the nine parts of the cost; they sum to the total, the plan's objective, to the cent"),
        ("Cost by mine", "the same total by mine"),
        ("Cost by period", "the same total by period"),
        ("Cut-off calendar", "the cut-off each location runs at in each period; empty: closed"),
        ("Mining", "ore mined; what is not listed is zero"),
        ("Blending", "ore blended at each mine"),
        ("Flows", "product from mills to centres and from centres to users"),
        ("Stocks", "product at the end of each period, at the mill and at the centres"),
    ]


def _cost(instance: SupplyChainInstance, plan: Plan) -> list[tuple[str, float]]:
    return [(name.replace("_", " "), usd) for name, usd in _steps(instance, plan, "by_term")]


def _steps(instance: SupplyChainInstance, plan: Plan, cut: str) -> list[tuple[str, float]]:
    waterfall = cost_waterfall(instance, plan)
    return [*((step.name, step.usd) for step in getattr(waterfall, cut)), ("Total", waterfall.total_usd)]


def _calendar(instance: SupplyChainInstance, plan: Plan) -> list[tuple[str | None, ...]]:
    run = {(m, i, t): j for (m, i, j, t), d in plan.d.items() if round(d) == 1}
    return [
        (mine.name, location.name, *(run.get((mine.name, location.name, t)) for t in instance.periods))
        for mine in instance.mines
        for location in mine.locations
    ]


def _rows(flow: Flow) -> list[tuple[str | float, ...]]:
    return [(*key, value) for key, value in flow.items() if value]


def _flows(plan: Plan) -> list[tuple[str | float | None, ...]]:
    to_centres = [("mill to centre", m, n, None, t, value) for (m, n, t), value in plan.v.items() if value]
    to_users = [("centre to user", m, n, s, t, value) for (m, n, s, t), value in plan.z.items() if value]
    return [*to_centres, *to_users]


def _stocks(plan: Plan) -> list[tuple[str | float | None, ...]]:
    at_mills = [("mill", m, None, t, value) for (m, t), value in plan.u.items() if value]
    at_centres = [("centre", m, n, t, value) for (m, n, t), value in plan.w.items() if value]
    return [*at_mills, *at_centres]
