"""A report as CSV: a line for each machine and hour."""

from edge_bridge.production.figures import Figures
from edge_bridge.production.queries import Report
from edge_bridge.production.time_model import Category
from tenants.resources.sheets import written

COLUMNS = ("equipment", "hour_utc", *(f"{category}_s" for category in Category), "n_loads", "hauled_t", "planned_t")


def as_csv(found: Report) -> bytes:
    rows = (
        (machine.equipment.code, begins_at.isoformat(), *_cells(figures))
        for machine in found.machines
        for begins_at, figures in machine.hours
    )
    return written(COLUMNS, rows)


def _cells(figures: Figures) -> list[object]:
    spent = [figures.in_(category).total_seconds() for category in Category]
    return [*spent, figures.n_loads, figures.hauled_t, figures.planned_t]
