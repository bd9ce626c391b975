"""What is read of commands."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet

from edge_bridge.alarm import State as AlarmState
from edge_bridge.alarms.aside import raised, waiting
from edge_bridge.commands.data import CommandFacts, Zone
from edge_bridge.commands.life import OPEN_STATES, State
from edge_bridge.models import Alarm, Command, CommandChange, CommandRoute, CommandType, Quality, Reading
from edge_bridge.queries import as_told
from tenants.api import actor, get_equipment, granted, on_behalf_of
from tenants.models import Equipment

# A machine that was moved away may be hidden from those who see the site.
MACHINE_IN_SIGHT = Q(equipment__code__isnull=False)


def commands_where(*, shared: bool = False, **exact: Any) -> QuerySet[Command]:
    """Own commands, or with `shared` those to machines that partners opened; `exact` compares columns."""
    found = Command.objects.select_related("equipment", "site").filter(**exact)
    if not shared:
        return found.filter(tenant=actor().tenant_id)
    opened = Q(site__in=granted("sites", "send_commands")) | Q(equipment__in=granted("equipment", "send_commands"))
    return found.filter(opened, MACHINE_IN_SIGHT)


def told_commands() -> Iterator[dict[str, Any]]:
    """Own commands and those to machines that partners opened, unless they are over; as the bodies of their events."""
    for shared in (False, True):
        rows = commands_where(shared=shared, state__in=OPEN_STATES).order_by("-pk")
        for command in rows.iterator(chunk_size=100):
            yield as_told(command, command_facts(command).body())


def changes_of(command: Command) -> QuerySet[CommandChange]:
    """Oldest first; a command has few."""
    return CommandChange.objects.filter(command=command).order_by("pk")


def types() -> QuerySet[CommandType]:
    """The organisation's own, retired ones too."""
    return CommandType.objects.filter(tenant=actor().tenant_id)


def types_for(machine: Equipment, kind: str) -> QuerySet[CommandType]:
    """Those in force for machines of the kind; asked in the name of the machine's owner."""
    return CommandType.objects.filter(tenant=machine.tenant_id, equipment_kind=kind, retired_at=None).order_by("name")


def machines(*, shared: bool = False) -> QuerySet[Equipment]:
    """Own machines that gateways named and for whose kind there is a type, or `shared` ones opened for commands."""
    if shared:
        opened = Q(site__in=granted("sites", "send_commands")) | Q(pk__in=granted("equipment", "send_commands"))
        return Equipment.objects.filter(opened).order_by("code")
    kinds = CommandType.objects.filter(retired_at=None).values("equipment_kind")
    named = CommandRoute.objects.filter(site=F("equipment__site")).values("equipment")
    return Equipment.objects.filter(kind__in=kinds, pk__in=named).order_by("code")


def types_open_for(equipment_id: UUID) -> list[CommandType]:
    """What the actor may ask for on a machine, read in the name of its owner."""
    machine = get_equipment(equipment_id, needs="send_commands")
    with on_behalf_of(machine.tenant_id):
        return list(types_for(machine, Equipment.objects.get(pk=machine.pk).kind))


def route_to(machine: Equipment) -> CommandRoute | None:
    """Only while it stands where its gateway is."""
    return CommandRoute.objects.filter(equipment=machine, site=machine.site_id).first()


def obstacle(kind: CommandType, machine: Equipment) -> str:
    """Why no command of this type may go to the machine now, in words; nothing if it may."""
    if machine.status != Equipment.Status.IN_SERVICE:
        return f"{machine.code} is not in service."
    if alarm := interlock(kind, machine):
        return f"An interlock holds: {alarm.alarm_type} is open; wait until it is over and acknowledged."
    return _interlock_aside(kind, machine)


def interlock(kind: CommandType, machine: Equipment) -> Alarm | None:
    """An open alarm that forbids a command of this type to the machine now, silenced or not.

    One that stands where no process is known counts for all processes of the site.
    """
    found = Alarm.objects.filter(
        tenant=machine.tenant_id, site=machine.site_id, alarm_type__in=kind.interlock_alarms
    ).exclude(state=AlarmState.NORM)
    if kind.interlock_zone == Zone.PROCESS and machine.process_id is not None:
        found = found.filter(Q(equipment__process=machine.process_id) | Q(equipment__process=None))
    return found.select_related("equipment").order_by("pk").first()


def _interlock_aside(kind: CommandType, machine: Equipment) -> str:
    """In words, of an alarm that has no place yet: it may stand anywhere at the site. A partner may read this, hence
    not where the alarm is said to be."""
    entries = raised(waiting(machine.site_id)).filter(tenant=machine.tenant_id)
    entry = entries.filter(entry__alarm_type__in=kind.interlock_alarms).order_by("received_at", "seq").first()
    if entry is None:
        return ""
    what_to_do = "register that, or dismiss it (All alarms, or set-aside-alarms)"
    return f"An interlock holds: {entry.entry['alarm_type']} waits for its machine; {what_to_do}."


def read_since(command: Command, now: datetime) -> float | None:
    """The newest value of the tag by which the command is judged, if it was measured after the sending.

    Looked up among the readings: the newest of all may bear the stamp of a clock that was ahead and has been put right.
    """
    rows = Reading.objects.filter(
        tenant=command.tenant_id,
        series__equipment=command.equipment_id,
        series__site=command.site_id,
        series__tag=command.type.read_back_tag,
        measured_at__gt=command.sent_at,
        measured_at__lte=now,
    )
    newest = rows.exclude(quality=Quality.BAD).order_by("-measured_at").first()
    return newest.value if newest else None


def locked(command_id: UUID) -> Command:
    """In the name of its owner: as it is now, until the transaction ends."""
    rows = Command.objects.select_related("equipment", "site", "type")
    return rows.select_for_update(of=("self",)).get(pk=command_id)


def command_facts(command: Command) -> CommandFacts:
    return CommandFacts(
        id=command.pk,
        owner_id=command.tenant_id,
        type_name=command.type_name,
        state=State(command.state),
        equipment_id=command.equipment_id,
        equipment_code=command.equipment.code,
        site_id=command.site_id,
        site_name=command.site.name,
        tag=command.tag,
        unit=command.unit,
        value=command.value,
        reason=command.reason,
        detail=command.detail,
        read_back=command.read_back,
        requested_at=command.requested_at,
        not_after=command.not_after,
        requested_by=command.requested_by_id,
        requested_for=command.requested_for_id,
        approved_by=command.approved_by_id,
    )
