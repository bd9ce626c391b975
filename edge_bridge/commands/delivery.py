"""Between a command's row and its gateway, in the transaction of a batch: what waits for it, what it says became of it,
and what an epoch that is over leaves behind."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from edge_bridge import protocol
from edge_bridge.commands import queries
from edge_bridge.commands.data import MOST_AT_ONCE, agrees
from edge_bridge.commands.life import ON_ITS_WAY_STATES, OPEN_STATES, TRANSITIONS, Event, State
from edge_bridge.commands.steps import note, take
from edge_bridge.data import Unplaceable
from edge_bridge.models import Command, CommandRoute, Device, Watermark
from edge_bridge.protocol import CommandState, CommandStep
from edge_bridge.rows import loaded
from tenants.api import new_id

OTHER_EPOCH = "The gateway began another epoch, so it can't be known what the one before did."
NOT_SENT = "The gateway began another epoch before it was sent; ask anew."
MOVED = "The machine was moved to another site."
SENT_BEFORE = "It had been sent before the cloud was restored from a backup."
_EVENTS = {state: Event(state) for state in CommandState}
# A terminal's own word holds whatever became of the gateway's journal.
_OF_TERMINALS = (CommandState.DONE, CommandState.FAILED)

_WAITING = """
edge_bridge_command WHERE tenant_id = %s AND site_id = %s AND edge = %s AND boot = %s AND state IN ('approved', 'sent')
 AND not_after > %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""


def waiting(device: Device, edge: str, boot: UUID, now: datetime) -> tuple[protocol.Command, ...]:
    """Commands for this epoch of a gateway; those that weren't yet are sent, or refused, by the open transaction."""
    asked = [device.tenant_id, device.site_id, edge, boot, now, MOST_AT_ONCE]
    rows = [queries.locked(row.pk) for row in loaded(Command, _WAITING, asked)]
    return tuple(_message(row, now) for row in rows if _goes(row, now))


def take_step(stream: Watermark, step: CommandStep, now: datetime) -> None:
    """What the gateway says; Unplaceable if it was never asked. What comes too late to count is noted."""
    command = _named(stream, step.id)
    event, detail = _EVENTS[step.state], step.detail
    if command.state == State.APPROVED:  # it knows what it was never sent as far as the cloud remembers
        take(command, Event.SENT, now=now, detail=SENT_BEFORE)
    if stream.boot != command.boot and step.state not in _OF_TERMINALS:
        # A journal restored from a copy may not know what was done from the one that is lost.
        event, detail = Event.UNKNOWN, f"{OTHER_EPOCH} {detail}".strip()
    if event is Event.DONE and step.value is not None and not agrees(step.value, command.value, command.type.tolerance):
        event, detail = Event.FAILED, f"It was said to be done, and reads {step.value:g}. {detail}".strip()
    before = State(command.state)
    if event is Event.UNKNOWN and before in ON_ITS_WAY_STATES:
        lose_sight(command, now, detail, at=step.at, value=step.value)
    elif (before, event) in TRANSITIONS:
        command.settles_at = None
        take(command, event, now=now, detail=detail, at=step.at, value=step.value)
    else:
        note(command, event, before, now=now, detail=detail, at=step.at, value=step.value)


def lose_sight(
    command: Command, now: datetime, detail: str, *, at: datetime | None = None, value: float | None = None
) -> None:
    """It may have been acted upon: what is read back in the time to come decides."""
    command.settles_at = now + command.settling
    take(command, Event.UNKNOWN, now=now, detail=detail, at=at, value=value)


def begin_epoch(device: Device, stream: Watermark, now: datetime) -> None:
    """Ends what was meant for another epoch of this gateway: it is not sent again."""
    rows = Command.objects.filter(tenant=device.tenant_id, site=device.site_id, edge=stream.edge)
    left: QuerySet[Command] = rows.filter(state__in=OPEN_STATES).exclude(boot=stream.boot).order_by("pk")
    for row in left:
        command = queries.locked(row.pk)
        if command.state in ON_ITS_WAY_STATES:
            lose_sight(command, now, OTHER_EPOCH)
        elif command.is_not_sent:
            take(command, Event.REFUSED, now=now, detail=NOT_SENT)


def keep_routes(device: Device, stream: Watermark, machines: Iterable[UUID], born_at: datetime) -> None:
    """From now on these machines are reached by this epoch of the gateway."""
    rows = [
        CommandRoute(
            id=new_id(),
            tenant_id=device.tenant_id,
            equipment_id=machine,
            site_id=device.site_id,
            edge=stream.edge,
            boot=stream.boot,
            born_at=born_at,
        )
        for machine in sorted(set(machines))
    ]
    CommandRoute.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["tenant", "equipment"],
        update_fields=["site", "edge", "boot", "born_at"],
    )


def _goes(command: Command, now: datetime) -> bool:
    """Whether it goes now. One that went before may have arrived, so an obstacle only keeps it from going again."""
    was_moved = command.equipment.site_id != command.site_id
    obstacle = MOVED if was_moved else queries.obstacle(command.type, command.equipment)
    if command.state == State.APPROVED:
        take(command, Event.REFUSED if obstacle else Event.SENT, now=now, detail=obstacle)
    return not obstacle


def _named(stream: Watermark, command_id: UUID) -> Command:
    asked = {"tenant": stream.tenant_id, "site": stream.site_id, "edge": stream.edge, "pk": command_id}
    if not Command.objects.filter(**asked).exists():
        raise Unplaceable(f"There is no command {command_id} for this gateway.")
    return queries.locked(command_id)


def _message(command: Command, now: datetime) -> protocol.Command:
    code, until = command.equipment.code, command.not_after
    return protocol.Command(command.pk, code, command.tag, command.value, until, command.boot, now)
