"""How machines that several customers opened are doing: alarms by machine and day, and which faults make most of them.

A machine without an alarm is there, too: it is the one that does well.

Rows are read one by one, never summed up by the database: each is noted as read, and what a clause hides stays hidden.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from edge_bridge import queries
from edge_bridge.models import Alarm
from edge_bridge.watching.owners import owner_names
from tenants.api import granted
from tenants.data import FieldError, Invalid
from tenants.models import Equipment, Site

MOST_DAYS: Final = 92
MOST_ALARMS: Final = 5_000
MOST_MACHINES: Final = 500


@dataclass(frozen=True, slots=True)
class Machine:
    """`counts`: alarms on each of the days. Code and place are None where a clause hides them."""

    equipment: UUID
    code: str | None
    kind: str | None
    site_name: str | None
    owner: UUID
    owner_name: str | None
    counts: Sequence[int]

    @property
    def n(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Fault:
    """`through_frac`: the share of all alarms that this type and those before it make."""

    alarm_type: str
    n: int
    n_machines: int
    through_frac: float


@dataclass(frozen=True, slots=True)
class FleetHealth:
    """Machines with the most alarms first, then those without any. `is_whole`: neither alarms nor machines are more
    than are looked at."""

    days: Sequence[date]
    machines: Sequence[Machine]
    faults: Sequence[Fault]
    is_whole: bool


def fleet_health(*, days: int = 28) -> FleetHealth:
    """Of the machines that partners opened, on the last days (UTC) and today. Invalid for too many days."""
    if not 1 <= days <= MOST_DAYS:
        raise Invalid("That is no span of days.", (FieldError("/days", f"1 to {MOST_DAYS}"),))
    today = datetime.now(UTC).date()
    asked = [today - timedelta(days=days - 1 - n) for n in range(days)]
    since = datetime.combine(asked[0], datetime.min.time(), UTC)
    found = queries.alarms(shared=True).filter(raised_at__gte=since, equipment__isnull=False)
    rows = list(found.order_by("-pk")[: MOST_ALARMS + 1])
    opened = list(_open_machines()[: MOST_MACHINES + 1])
    is_whole = len(rows) <= MOST_ALARMS and len(opened) <= MOST_MACHINES
    return FleetHealth(asked, _machines(rows, opened, asked), _faults(rows), is_whole)


def _open_machines() -> QuerySet[Equipment]:
    """Whose alarms are open, also if there was none; retired ones are not looked at."""
    opened = Q(site__in=granted("sites", "view_alarms")) | Q(pk__in=granted("equipment", "view_alarms"))
    found = Equipment.objects.filter(opened).exclude(status=Equipment.Status.RETIRED)
    return found.select_related("site").order_by("code", "pk")


def _machines(rows: Sequence[Alarm], opened: Sequence[Equipment], days: Sequence[date]) -> list[Machine]:
    counts = Counter((row.equipment_id, row.raised_at.date()) for row in rows)
    known = {each.pk: (each, each.site) for each in opened}
    known |= {row.equipment.pk: (row.equipment, row.site) for row in reversed(rows) if row.equipment}
    names = owner_names()
    made = [_machine(*place, names, [counts[pk, day] for day in days]) for pk, place in known.items()]
    return sorted(made, key=lambda machine: (-machine.n, machine.code or "", machine.equipment))


def _machine(machine: Equipment, site: Site, names: dict[UUID, str], counts: Sequence[int]) -> Machine:
    return Machine(
        equipment=machine.pk,
        code=machine.code,
        kind=machine.kind,
        site_name=site.name,
        owner=machine.tenant_id,
        owner_name=names.get(machine.tenant_id),
        counts=counts,
    )


def _faults(rows: Sequence[Alarm]) -> list[Fault]:
    machines: dict[str, set[UUID | None]] = {}
    for row in rows:
        machines.setdefault(row.alarm_type, set()).add(row.equipment_id)
    made, through = [], 0
    for alarm_type, n in sorted(Counter(row.alarm_type for row in rows).items(), key=lambda each: (-each[1], each[0])):
        through += n
        made.append(Fault(alarm_type, n, len(machines[alarm_type]), through / len(rows)))
    return made
