"""What people do about commands. Each runs in the caller's open transaction, on the row as it is then."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from edge_bridge.commands import queries
from edge_bridge.commands.access import get_command, get_own_command
from edge_bridge.commands.bell import ring
from edge_bridge.commands.data import MAX_REASON_CHARS, SHORTEST_LIFE_S, check_value
from edge_bridge.commands.life import Event, IllegalTransition, State
from edge_bridge.commands.steps import note, take, tell
from edge_bridge.models import Command, CommandRoute, CommandType
from tenants.api import actor, get_equipment, on_behalf_of, require
from tenants.data import Actor, Conflict, FieldError, Invalid, NotFound
from tenants.models import Equipment, User


def request_command(
    *, equipment_id: UUID, type_id: UUID, value: float, reason: str, expires_s: int | None = None
) -> Command:
    """Ask for a value to be set on an own machine, or in its owner's name on one opened with `send_commands`.

    Where one person is enough and that person is the owner's, it is approved at once. Conflict while an interlock
    holds, the machine is not in service or another command for the same tag is open, or if no gateway has named it.
    """
    who = require("send_commands")
    _check_reason(reason)
    machine = get_equipment(equipment_id, needs="send_commands")
    with on_behalf_of(machine.tenant_id):
        machine = Equipment.objects.select_related("site").get(pk=machine.pk)
        kind = queries.types_for(machine, machine.kind).filter(pk=type_id).first()
        if kind is None:
            message = "name a type of command that is in force for machines of this kind"
            raise Invalid("There is no such type of command.", (FieldError("/type", message),))
        check_value(value, kind.min_value, kind.max_value, kind.unit)
        life = _life(expires_s, kind)
        _refuse_if_locked(kind, machine)
        command = _make(who, machine, kind, _route(machine), value=value, reason=reason, life=life)
        if not command.needs_two_persons:
            _approve(command, who)
    return get_command(command.pk)


def approve_command(*, command: Command) -> Command:
    """As the owner's, and as somebody else than who asked for it. Conflict while an interlock holds."""
    command = get_own_command(command.pk, needs="approve_commands")
    with _stepping(command) as row:
        who = actor()
        _check_second_person(who, row)
        _refuse_if_locked(row.type, row.equipment)
        if row.not_after <= datetime.now(UTC):
            raise Conflict("The time of this command is over; ask anew.")
        _approve(row, who)
    return get_command(command.pk)


def reject_command(*, command: Command, reason: str) -> Command:
    _check_reason(reason)
    command = get_own_command(command.pk, needs="approve_commands")
    with _stepping(command) as row:
        take(row, Event.REJECTED, now=datetime.now(UTC), detail=reason)
    return get_command(command.pk)


def withdraw_command(*, command: Command, reason: str) -> Command:
    """Before it is sent; by its owner, or by the organisation that asked for it."""
    _check_reason(reason)
    command = get_command(command.pk)
    if actor().tenant_id not in (command.tenant_id, command.requested_for_id):
        raise NotFound
    with _stepping(command) as row:
        take(row, Event.WITHDRAWN, now=datetime.now(UTC), detail=reason)
    return get_command(command.pk)


def _make(
    who: Actor,
    machine: Equipment,
    kind: CommandType,
    route: CommandRoute,
    *,
    value: float,
    reason: str,
    life: timedelta,
) -> Command:
    now = datetime.now(UTC)
    command = Command(
        tenant_id=machine.tenant_id,
        site=machine.site,
        equipment=machine,
        type=kind,
        type_name=kind.name,
        edge=route.edge,
        boot=route.boot,
        tag=kind.tag,
        unit=kind.unit,
        value=value,
        reason=reason,
        needs_two_persons=kind.needs_two_persons or who.tenant_id != machine.tenant_id,
        not_after=now + life,
        requested_by_id=who.user_id,
        requested_for_id=who.tenant_id,
        requested_at=now,
        changed_at=now,
    )
    try:
        with transaction.atomic():
            command.save(force_insert=True)
    except IntegrityError:
        raise Conflict("Another command for this is open; wait for its end, or withdraw it.") from None
    note(command, State.REQUESTED, State.REQUESTED, now=now)
    tell(command, now)
    return command


def _approve(command: Command, who: Actor) -> None:
    now = datetime.now(UTC)
    command.approved_by_id, command.approved_at = who.user_id, now
    take(command, Event.APPROVED, now=now)
    ring(command.tenant_id)


@contextmanager
def _stepping(command: Command) -> Iterator[Command]:
    """The row, locked, in its owner's name."""
    with on_behalf_of(command.tenant_id):
        try:
            yield queries.locked(command.pk)
        except IllegalTransition as illegal:
            raise Conflict(f"This command is {illegal.state} and can't be {illegal.event} any more.") from None


def _check_second_person(who: Actor, command: Command) -> None:
    """A program may ask; who holds its key could else be both."""
    if who.user_id is None or who.user_id == command.requested_by_id:
        raise Conflict("Two persons are needed: somebody else than who asked for it approves a command.")
    if User.objects.filter(pk=who.user_id, service_of__isnull=False).exists():
        raise Conflict("Two persons are needed: a program can ask for a command, and a person approves it.")


def _refuse_if_locked(kind: CommandType, machine: Equipment) -> None:
    if obstacle := queries.obstacle(kind, machine):
        raise Conflict(obstacle)


def _route(machine: Equipment) -> CommandRoute:
    route = queries.route_to(machine)
    if route is None:
        raise Conflict("No gateway at its site has named this machine yet, so nothing can be sent to it.")
    return route


def _life(expires_s: int | None, kind: CommandType) -> timedelta:
    seconds = kind.expires_s if expires_s is None else expires_s
    if not SHORTEST_LIFE_S <= seconds <= kind.expires_s:
        message = f"from {SHORTEST_LIFE_S} to {kind.expires_s}"
        raise Invalid("A command can't wait so long.", (FieldError("/expires_s", message),))
    return timedelta(seconds=seconds)


def _check_reason(reason: str) -> None:
    if not len(reason.strip()) >= 3 or len(reason) > MAX_REASON_CHARS:
        message = f"between 3 and {MAX_REASON_CHARS} characters"
        raise Invalid("The reason has the wrong length.", (FieldError("/reason", message),))
