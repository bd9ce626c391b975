"""What the workbook holds: one table a sheet, its columns with units, limits and the sheets they refer to.

Symbols are those of docs/formulation.md. Rows are in the long form: one row for each thing and period.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from openpyxl.utils import get_column_letter

LARGEST = 1e9
MAX_ROWS = 100_000


class Kind(Enum):
    NAME = "a name"
    NUMBER = "a number"
    CHOICE = "one of the choices"


@dataclass(frozen=True, slots=True)
class Column:
    """`least` and `most` in the column's own unit; `of` is the sheet whose first column lists the names allowed."""

    field: str
    title: str
    unit: str = ""
    kind: Kind = Kind.NUMBER
    least: float | None = 0.0
    most: float | None = LARGEST
    choices: tuple[str, ...] = ()
    of: str = ""
    not_above: str = ""
    optional: bool = False
    is_whole: bool = False

    @property
    def header(self) -> str:
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def is_percent(self) -> bool:
        return self.unit.startswith("%")

    @property
    def wanted(self) -> str:
        """What to type, in words."""
        if self.kind is Kind.CHOICE:
            return f"one of {', '.join(self.choices)}"
        return f"{self.kind.value} ({self.header})"


@dataclass(frozen=True)
class Table:
    """The first `n_keys` columns say which row it is.

    They begin with the key of a row of `parent`, each of whose rows must be here, or of `within`, where it need not.
    """

    sheet: str
    about: str
    columns: tuple[Column, ...]
    n_keys: int = 1
    parent: str = ""
    within: str = ""
    is_optional: bool = False

    @cached_property
    def letter(self) -> dict[str, str]:
        return {column.field: get_column_letter(k) for k, column in enumerate(self.columns, 1)}

    @property
    def keys(self) -> tuple[Column, ...]:
        return self.columns[: self.n_keys]

    @property
    def is_per_period(self) -> bool:
        return any(column.field == "period" for column in self.keys) and self.sheet != "Periods"


@dataclass(frozen=True, slots=True)
class Row:
    """A row as read: `values` by field, None where an optional cell is empty."""

    table: Table
    number: int
    values: Mapping[str, Any]

    @property
    def key(self) -> tuple[Any, ...]:
        return tuple(self.values[column.field] for column in self.table.keys)

    @property
    def owner(self) -> tuple[Any, ...]:
        """The key without the period."""
        return tuple(self.values[column.field] for column in self.table.keys if column.field != "period")

    def place(self, field: str = "") -> str:
        letter = self.table.letter.get(field, "A")
        return f"Sheet {self.table.sheet!r}, cell {letter}{self.number}"


def _name(field: str, title: str, of: str = "", *, optional: bool = False) -> Column:
    return Column(field, title, kind=Kind.NAME, of=of, optional=optional)


def _grade(field: str, title: str, *, not_above: str = "") -> Column:
    return Column(field, title, "%", most=100.0, not_above=not_above)


MINE, CENTRE, USER = (
    _name("mine", "Mine", "Mines"),
    _name("centre", "Centre", "Centres"),
    _name("user", "User", "Users"),
)
PERIOD, LOCATION, CUTOFF = (
    _name("period", "Period", "Periods"),
    _name("location", "Location"),
    _name("cutoff", "Cut-off"),
)
OPTION = (MINE, LOCATION, CUTOFF)
KINDS, BASES, LIMITS = ("nominal", "box", "budget", "paper", "polyhedron"), ("box", "budget"), ("least", "most")

TABLES = (
    Table(
        "Options",
        "One row: the name of the plan, and how to solve it.",
        (
            _name("name", "Plan"),
            Column("gap", "Relative gap", "%", most=99.0),
            Column("time_limit_s", "Time limit", "s", least=0.001, most=86_400.0),
            Column("threads", "Threads", least=1.0, most=64.0, is_whole=True),
            Column("seed", "Seed", most=2.0**31 - 1, is_whole=True),
        ),
    ),
    Table("Periods", "The periods in their order.", (_name("period", "Period"),)),
    Table(
        "Mines",
        "Mines with their mills.",
        (
            _name("mine", "Mine"),
            Column("pc", "Processing cost pc", "$/t ore"),
            Column("h", "Holding cost at the mill h", "$/t product and period"),
            _grade("alpha", "Minimum grade of the blend α"),
            Column("beta", "Productivity β", "t product/t ore", most=1.0),
            Column("u0", "Opening stock u0", "t product"),
        ),
    ),
    Table(
        "Mines by period",
        "Abilities and stock limits of each mine in each period.",
        (
            MINE,
            PERIOD,
            Column("P", "Production ability P", "resource"),
            Column("Q", "Processing ability Q", "t ore"),
            Column("Umin", "Least stock Umin", "t product", not_above="Umax"),
            Column("Umax", "Largest stock Umax", "t product"),
        ),
        2,
        "Mines",
    ),
    Table(
        "Locations",
        "Extraction locations with their cut-off options.",
        (*OPTION, Column("c", "Exploitation cost c", "$/t ore")),
        3,
    ),
    Table(
        "Cut-offs",
        "Each cut-off option in each period.",
        (
            *OPTION,
            PERIOD,
            Column("xmax", "Ore available xmax", "t ore"),
            _grade("gamma", "Nominal grade γ"),
            _grade("delta", "Largest fall of the grade δ", not_above="gamma"),
            Column("a", "Resource used a", "resource/t ore"),
            Column("K", "Start-up cost K", "$"),
        ),
        4,
        "Locations",
    ),
    Table(
        "Elements",
        "Further elements that the blend must keep to; leave empty without any.",
        (
            MINE,
            _name("element", "Element"),
            Column("kind", "Limit", kind=Kind.CHOICE, choices=LIMITS),
            _grade("limit", "Grade of the blend"),
        ),
        2,
        is_optional=True,
    ),
    Table(
        "Element grades",
        "Grades of the further elements at each cut-off option in each period.",
        (
            *OPTION,
            _name("element", "Element"),
            PERIOD,
            _grade("gamma", "Nominal grade"),
            _grade("delta", "Largest fall (of an unwanted one: rise)"),
        ),
        5,
        within="Locations",
        is_optional=True,
    ),
    Table(
        "Centres",
        "Logistics centres and their room in each period.",
        (_name("centre", "Centre"), PERIOD, Column("V", "Room for all mines together V", "t product")),
        2,
    ),
    Table("Users", "The final users.", (_name("user", "User"),)),
    Table(
        "Mill lanes",
        "Lanes from mills to centres; a lane not listed does not exist.",
        (
            MINE,
            CENTRE,
            Column("f", "Transport cost f", "$/t"),
            Column("g", "Holding cost at the centre g", "$/t product and period"),
            Column("w0", "Opening stock at the centre w0", "t product"),
            Column("w_end", "Least closing stock at the centre w_end", "t product", optional=True),
        ),
        2,
    ),
    Table(
        "Mill lanes by period",
        "Shipments from mills to centres in each period.",
        (MINE, CENTRE, PERIOD, Column("F", "Cost of a shipment F", "$"), Column("R", "Transport ability R", "t")),
        3,
        "Mill lanes",
    ),
    Table(
        "User lanes",
        "Lanes from centres to users; a lane not listed does not exist.",
        (CENTRE, USER, Column("e", "Transport cost e", "$/t")),
        2,
    ),
    Table(
        "User lanes by period",
        "Shipments from centres to users in each period.",
        (CENTRE, USER, PERIOD, Column("G", "Cost of a shipment and mine G", "$")),
        3,
        "User lanes",
    ),
    Table(
        "Demand",
        "What each user wants of the product of each mine; what is not listed is zero.",
        (MINE, USER, PERIOD, Column("D", "Demand D", "t product")),
        3,
    ),
    Table(
        "Uncertainty",
        "One row: the set of grades the plan must stand. Π and π for paper; base for polyhedron.",
        (
            Column("kind", "Kind", kind=Kind.CHOICE, choices=KINDS),
            Column("Pi", "Π", least=-LARGEST, most=0.0, optional=True),
            Column("pi", "π", least=-LARGEST, most=0.0, optional=True),
            Column("base", "Base", kind=Kind.CHOICE, choices=BASES, optional=True),
        ),
    ),
    Table(
        "Budget",
        "For the kind or base budget: how many locations of each mine may fall at once.",
        (MINE, Column("Gamma", "Budget Γ", "locations")),
        is_optional=True,
    ),
    Table(
        "Grade rows",
        "For polyhedron: rows Σ coefficient · grade ≤ limit, by number.",
        (_name("row", "Row"), MINE, _name("name", "What it says", optional=True)),
        is_optional=True,
    ),
    Table(
        "Grade row limits",
        "For polyhedron: the limit of each row in each period.",
        (_name("row", "Row", "Grade rows"), PERIOD, Column("limit", "Limit", "%", least=-LARGEST)),
        2,
        "Grade rows",
        is_optional=True,
    ),
    Table(
        "Grade row terms",
        "For polyhedron: the coefficients of each row; without an element, that of the grade that α limits.",
        (
            _name("row", "Row", "Grade rows"),
            LOCATION,
            CUTOFF,
            _name("element", "Element", optional=True),
            Column("value", "Coefficient", least=-LARGEST),
        ),
        4,
        is_optional=True,
    ),
)
TABLE = {table.sheet: table for table in TABLES}
READ_ME = "Read me"
# Sheets that show a plan beside its instance.
RESULTS = ("Cost", "Cost by mine", "Cost by period", "Cut-off calendar", "Mining", "Blending", "Flows", "Stocks")
