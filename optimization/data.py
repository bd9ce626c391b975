"""Data of the planning core: the instance, the plan, the options and the report of a solve.

Symbols, units and equation numbers follow docs/formulation.md. Everything is immutable and free of Django.
A tuple indexed by t has one entry a period, in the order of `SupplyChainInstance.periods`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from typing import Any

PerPeriod = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: `path` is a JSON pointer, `message` says what is wrong and what to do."""

    path: str
    message: str


class InstanceError(ValueError):
    """The input is not usable; `problems` holds everything that was found, the first also as `path` and `message`."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        self.path, self.message = self.problems[0].path, self.problems[0].message
        super().__init__("; ".join(f"{p.path or '/'}: {p.message}" for p in self.problems))


@dataclass(frozen=True, slots=True)
class ElementGrade:
    """Grade of a further element at a cut-off: nominal gamma[t], delta[t] its largest fall (rise if unwanted)."""

    element: str
    gamma: PerPeriod
    delta: PerPeriod


@dataclass(frozen=True, slots=True)
class Cutoff:
    """A cut-off option j of one location: c $/t ore; K[t] $; a[t] resource/t; xmax[t] t; gamma, delta [t] fraction.

    gamma is the nominal grade, delta its largest fall: the grade is gamma - delta * xi with 0 <= xi <= 1.
    """

    name: str
    c: float
    K: PerPeriod
    a: PerPeriod
    xmax: PerPeriod
    gamma: PerPeriod
    delta: PerPeriod
    grades: tuple[ElementGrade, ...] = ()


@dataclass(frozen=True, slots=True)
class Location:
    """An extraction location i with its cut-off options."""

    name: str
    cutoffs: tuple[Cutoff, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """An element beside the one of alpha: its blended grade is at least `least` or at most `most` (one is given)."""

    name: str
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Mine:
    """A mine m with its mill: pc $/t ore; h $/t·period; P[t] resource; Q[t] t ore; Umin, Umax[t], u0 t product."""

    name: str
    pc: float
    h: float
    alpha: float
    beta: float
    u0: float
    P: PerPeriod
    Q: PerPeriod
    Umin: PerPeriod
    Umax: PerPeriod
    locations: tuple[Location, ...]
    elements: tuple[Element, ...] = ()


@dataclass(frozen=True, slots=True)
class Centre:
    """A logistics centre n: V[t] t of product, all mines together."""

    name: str
    V: PerPeriod


@dataclass(frozen=True, slots=True)
class MillLane:
    """Lane (m, n): f $/t; g $/t·period at the centre; F[t] $ per shipment; R[t] t; w0, w_end t stock at the centre.

    w0 is there at the start, w_end at least at the end.
    """

    mine: str
    centre: str
    f: float
    g: float
    w0: float
    F: PerPeriod
    R: PerPeriod
    w_end: float = 0.0


@dataclass(frozen=True, slots=True)
class UserLane:
    """Lane (n, s): e $/t; G[t] $ per shipment and mine."""

    centre: str
    user: str
    e: float
    G: PerPeriod


@dataclass(frozen=True, slots=True)
class Demand:
    """D[t] t of the product of `mine` wanted by `user`."""

    mine: str
    user: str
    D: PerPeriod


@dataclass(frozen=True, slots=True)
class NominalSet:
    """Grades are exactly gamma."""


@dataclass(frozen=True, slots=True)
class BoxSet:
    """Every grade may fall to gamma - delta at once."""


@dataclass(frozen=True, slots=True)
class BudgetSet:
    """Bertsimas–Sim budget: at most Gamma[m] locations of mine m (a real number) fall by their delta in a period."""

    Gamma: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PaperSet:
    """The paper's set Pi * gamma <= pi taken element by element (both negative): only gamma >= pi/Pi is known."""

    Pi: float = -10.0
    pi: float = -3.0

    @property
    def floor_frac(self) -> float:
        return self.pi / self.Pi


@dataclass(frozen=True, slots=True)
class GradeTerm:
    """A coefficient of a row of Pi; without an element it is that of the grade that alpha limits."""

    location: str
    cutoff: str
    value: float
    element: str = ""


@dataclass(frozen=True, slots=True)
class GradeRow:
    """A row of Pi gamma <= pi for one mine, in every period: the sum of value * grade is at most limit[t]."""

    mine: str
    terms: tuple[GradeTerm, ...]
    limit: PerPeriod
    name: str = ""


@dataclass(frozen=True, slots=True)
class PolyhedronSet:
    """Pi gamma <= pi for grades between 0 and 1; with a base its rows narrow that box or budget."""

    rows: tuple[GradeRow, ...]
    base: BoxSet | BudgetSet | None = None


# A further set is one more class here, one case in `uncertainty.sets` and one in `checker`.
UncertaintySet = NominalSet | BoxSet | BudgetSet | PaperSet | PolyhedronSet
SET_KINDS: dict[str, type[UncertaintySet]] = {
    "nominal": NominalSet, "box": BoxSet, "budget": BudgetSet, "paper": PaperSet, "polyhedron": PolyhedronSet,
}  # fmt: skip


def set_document(uncertainty: UncertaintySet) -> dict[str, Any]:
    """The set as the instance's JSON has it, with its kind."""
    kind = next(k for k, cls in SET_KINDS.items() if isinstance(uncertainty, cls))
    document = {"kind": kind, **asdict(uncertainty, dict_factory=_without_blanks)}
    if isinstance(uncertainty, PolyhedronSet) and uncertainty.base is not None:
        document["base"] = set_document(uncertainty.base)
    return document


def _without_blanks(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if value is not None and value not in ("", ())}


def _shortened(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value[0] if _is_flat(value) else value for key, value in _without_blanks(pairs).items()}


def _is_flat(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], float) and len(set(value)) == 1


@dataclass(frozen=True)
class SupplyChainInstance:
    """Everything the plan depends on. Build it with `instance_builder.build_instance`, which validates.

    Names are unique within their kind; lanes and demands are sparse: what is not listed does not exist.
    """

    name: str
    periods: tuple[str, ...]
    mines: tuple[Mine, ...]
    centres: tuple[Centre, ...]
    users: tuple[str, ...]
    mill_lanes: tuple[MillLane, ...]
    user_lanes: tuple[UserLane, ...]
    demands: tuple[Demand, ...]
    uncertainty: UncertaintySet

    @cached_property
    def mine_by_name(self) -> dict[str, Mine]:
        return {m.name: m for m in self.mines}

    @cached_property
    def centre_by_name(self) -> dict[str, Centre]:
        return {n.name: n for n in self.centres}

    @cached_property
    def cutoff_by_key(self) -> dict[tuple[str, str, str], Cutoff]:
        return {(m.name, i.name, j.name): j for m in self.mines for i in m.locations for j in i.cutoffs}

    @cached_property
    def mill_lane_by_key(self) -> dict[tuple[str, str], MillLane]:
        return {(lane.mine, lane.centre): lane for lane in self.mill_lanes}

    @cached_property
    def user_lane_by_key(self) -> dict[tuple[str, str], UserLane]:
        return {(lane.centre, lane.user): lane for lane in self.user_lanes}

    @cached_property
    def demand_by_key(self) -> dict[tuple[str, str], Demand]:
        return {(d.mine, d.user): d for d in self.demands}

    @cached_property
    def routes(self) -> tuple[tuple[str, str, str], ...]:
        """Every (m, n, s) that has both lanes and a demand."""
        served = {(m, s) for m, s in self.demand_by_key}
        return tuple(
            (up.mine, up.centre, down.user)
            for up in self.mill_lanes
            for down in self.user_lanes
            if down.centre == up.centre and (up.mine, down.user) in served
        )

    def budget(self, mine: str) -> float:
        """Gamma of a mine, no more than its locations; ValueError when the set is not a budget."""
        held = self.uncertainty.base if isinstance(self.uncertainty, PolyhedronSet) else self.uncertainty
        if not isinstance(held, BudgetSet):
            raise ValueError(f"the uncertainty set of {self.name!r} has no budget")
        position = list(self.mine_by_name).index(mine)
        return min(held.Gamma[position], float(len(self.mines[position].locations)))

    def to_document(self, *, short: bool = False) -> dict[str, Any]:
        """The JSON document of docs/how-to/plan-headless.md; `build_instance` reads it back to an equal instance.

        `short`: where all periods have the same number it is given once.
        """
        written = asdict(self, dict_factory=_shortened if short else _without_blanks)
        document = written | {"uncertainty": set_document(self.uncertainty)}
        return {"format": "cloudmining.instance/1", **document}

    def to_json(self) -> str:
        return json.dumps(self.to_document(), indent=1, ensure_ascii=False, allow_nan=False)


Flow = Mapping[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Plan:
    """All variables by name keys ending in the period; a key that is absent is zero. Tonnes, and 0/1 for d, p, q.

    x, d: (mine, location, cut-off, period) · y, u: (mine, period) · v, w, p: (mine, centre, period)
    · z, q: (mine, centre, user, period).
    """

    x: Flow = field(default_factory=dict)
    d: Flow = field(default_factory=dict)
    y: Flow = field(default_factory=dict)
    u: Flow = field(default_factory=dict)
    v: Flow = field(default_factory=dict)
    p: Flow = field(default_factory=dict)
    w: Flow = field(default_factory=dict)
    z: Flow = field(default_factory=dict)
    q: Flow = field(default_factory=dict)

    def to_document(self) -> dict[str, list[list[str | float]]]:
        """One list a variable; a row is the key's names and then the value."""
        return {f.name: [[*key, value] for key, value in getattr(self, f.name).items()] for f in fields(self)}


def _refuse(wrong: bool, message: str) -> None:
    if wrong:
        raise ValueError(message)


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """Relative gap (fraction), time limit (s, building included), threads, seed; ValueError when out of range."""

    gap: float = 0.01
    time_limit_s: float = 60.0
    threads: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        _refuse(
            not 0 <= self.gap < 1, f"gap is a fraction from 0 to below 1, got {self.gap}: for one percent give 0.01"
        )
        in_range = math.isfinite(self.time_limit_s) and 0 < self.time_limit_s <= 86_400
        _refuse(not in_range, f"time_limit_s must be above 0 and at most 86400 seconds, got {self.time_limit_s}")
        _refuse(not 1 <= self.threads <= 64, f"threads must be 1 to 64, got {self.threads}")
        _refuse(not 0 <= self.seed < 2**31, f"seed must be 0 to 2147483647, got {self.seed}")


class Termination(StrEnum):
    """Why it ended. `OPTIMAL`: within the asked gap. Only it, `TIME_LIMIT` and `CANCELLED` may carry a plan."""

    OPTIMAL = "optimal"
    TIME_LIMIT = "time_limit"
    NO_PLAN = "no_plan"
    INFEASIBLE = "infeasible"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SolveProgress:
    """A moment of a running solve. Without a plan yet, incumbent and gap are None; the bound is always a proven one.

    `stage` names what the fast path is at; empty for the program as a whole.
    """

    elapsed_s: float
    incumbent_usd: float | None
    dual_bound_usd: float
    relative_gap: float | None
    stage: str = ""


@dataclass(frozen=True, slots=True)
class SolveReport:
    """What was reached. Without a plan objective and gap are None; `dual_bound_usd` is None when infeasible.

    relative_gap = (objective - dual_bound) / objective. `explanation` says in words why there is no plan, where known.
    `is_hot`: it began from an earlier solve (`hot.Solver`), and so did the choice among plans within the gap.
    """

    termination: Termination
    objective_usd: float | None
    dual_bound_usd: float | None
    relative_gap: float | None
    build_s: float
    solve_s: float
    elapsed_s: float
    solver: str
    peak_memory_mb: float
    rows: int
    columns: int
    binaries: int
    nodes: int
    explanation: tuple[str, ...] = ()
    is_hot: bool = False

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SolveResult:
    """`diagnosis` is the shortage and the repair as data, where the report's explanation tells them in words."""

    plan: Plan | None
    report: SolveReport
    diagnosis: Any = None  # an explain.elastic.Diagnosis or None; its import would tie the checker to Pyomo


OnProgress = Callable[[SolveProgress], None]
ShouldStop = Callable[[], bool]
