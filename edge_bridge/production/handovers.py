"""What a hand-over says of its shift: figures, where machines were left, alarms that stand, and what else is open.

Apps above this one name what of theirs stays open at a site when they are loaded (`AppConfig.ready`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final

from django.db.models import Case, When

from edge_bridge.alarms.data import RANK
from edge_bridge.commands.api import OPEN_STATES, command_facts, commands_where
from edge_bridge.models import ShiftHandover
from edge_bridge.production.figures import Cause, Figures
from edge_bridge.production.queries import MachineReport, Span, report
from edge_bridge.production.time_model import DOWN
from edge_bridge.queries import alarms_where
from tenants.api import actor
from tenants.models import Site

MOST_LINES: Final = 50
WORST: Final = Case(*(When(severity=severity, then=rank) for severity, rank in RANK.items())).desc()
SHOWN_ALARM: Final = ("alarm_type", "severity", "state", "tag")
SHOWN_FIGURES: Final = (
    "availability_frac",
    "use_of_availability_frac",
    "utilisation_frac",
    "operating_efficiency_frac",
    "performance_frac",
    "oee_frac",
    "t_per_operating_h",
    "mean_cycle_s",
    "mtbs_h",
    "mttr_h",
)


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """Of one kind, for those with the permission; `rows` are the own ones of a site as JSON, newest first."""

    permission: str
    rows: Callable[[Site], Iterable[dict[str, Any]]]


def _commands(site: Site) -> Iterator[dict[str, Any]]:
    for row in commands_where(site=site.pk, state__in=OPEN_STATES).order_by("-pk"):
        yield command_facts(row).body()


LEFT_OPEN: Final[dict[str, LeftOpen]] = {"commands": LeftOpen("send_commands", _commands)}


def handover_text(span: Span) -> dict[str, Any]:
    """As JSON. Lists hold at most MOST_LINES, the newest or worst first."""
    found = report(span)
    return {
        "until": span.until.isoformat(),
        "figures": figures_text(found.figures),
        "machines": [_machine(machine) for machine in found.machines[:MOST_LINES]],
        "causes": [cause_text(cause) for cause in found.causes[:MOST_LINES]],
        "alarms": _alarms(span),
        "open": {name: _rows(kind, span.site) for name, kind in LEFT_OPEN.items() if actor().can(kind.permission)},
    }


def handover_body(row: ShiftHandover) -> dict[str, Any]:
    """The body of its events."""
    return {
        "handover": str(row.pk),
        "shift": row.shift,
        "site": str(row.site_id),
        "site_name": row.site.name,
        "begins_at": row.begins_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "outgoing": row.outgoing_id and str(row.outgoing_id),
        "incoming": row.incoming_id and str(row.incoming_id),
    }


def figures_text(figures: Figures) -> dict[str, Any]:
    """As every answer shows them: seconds by category, counts, tonnes, and what follows from them."""
    counted = {name: value for name, value in asdict(figures).items() if name not in ("time", "cycles")}
    time_s = {str(category): spent.total_seconds() for category, spent in figures.time.items()}
    return {
        "time_s": time_s,
        "calendar_s": figures.calendar.total_seconds(),
        **counted,
        **{name: getattr(figures, name) for name in SHOWN_FIGURES},
    }


def cause_text(cause: Cause) -> dict[str, Any]:
    return {
        "time_category": str(cause.category),
        "state": cause.state and cause.state.name.lower(),
        "stop_reason": cause.stop_reason.name.lower(),
        "duration_s": cause.duration.total_seconds(),
        "n": cause.n,
        "through_frac": cause.through_frac,
    }


def _machine(machine: MachineReport) -> dict[str, Any]:
    last = machine.intervals[-1]
    return {
        "equipment": str(machine.equipment.pk),
        "code": machine.equipment.code,
        "time_category": str(last.category),
        "is_down": last.category in DOWN,
        "since": last.begins_at.isoformat(),
        "hauled_t": machine.figures.hauled_t,
    }


def _alarms(span: Span) -> list[dict[str, Any]]:
    rows = alarms_where(active=True, site=span.site.pk).order_by(WORST, "-pk")[:MOST_LINES]
    return [
        {
            "alarm": str(row.pk),
            **{name: getattr(row, name) for name in SHOWN_ALARM},
            "equipment_code": row.equipment and row.equipment.code,
            "raised_at": row.raised_at.isoformat(),
        }
        for row in rows
    ]


def _rows(kind: LeftOpen, site: Site) -> list[dict[str, Any]]:
    return list(islice(kind.rows(site), MOST_LINES))
