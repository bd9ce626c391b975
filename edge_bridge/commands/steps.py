"""One step of a command, on a row that is locked and in its owner's name: the row by the table, its history, the
ledger and the feeds."""

from datetime import datetime

from edge_bridge.commands.data import MAX_DETAIL_CHARS
from edge_bridge.commands.life import Event, State, next_state
from edge_bridge.commands.queries import command_facts
from edge_bridge.models import Command, CommandChange
from tenants.api import actor, announce, enter


def take(
    command: Command,
    event: Event,
    *,
    now: datetime,
    detail: str = "",
    at: datetime | None = None,
    value: float | None = None,
) -> None:
    """IllegalTransition if the table has no such step. `at` is when it happened, by the clock of who says so."""
    before = State(command.state)
    command.state, command.changed_at = next_state(before, event), now
    command.detail = detail[:MAX_DETAIL_CHARS]
    command.read_back = command.read_back if value is None else value
    if event is Event.SENT:
        command.sent_at = now
    command.save()
    note(command, event, before, now=now, detail=detail, at=at, value=value)
    tell(command, at or now)


def note(
    command: Command,
    word: str,
    before: State,
    *,
    now: datetime,
    detail: str = "",
    at: datetime | None = None,
    value: float | None = None,
) -> None:
    """A line in the history; with the state as it is, one that changed nothing."""
    who = actor()
    CommandChange.objects.create(
        tenant_id=command.tenant_id,
        command=command,
        event=word,
        from_state=before,
        to_state=command.state,
        detail=detail[:MAX_DETAIL_CHARS],
        value=value,
        occurred_at=at or now,
        recorded_at=now,
        by_user_id=who.user_id,
        by_tenant_id=who.tenant_id,
        via=who.via,
    )


def tell(command: Command, at: datetime) -> None:
    """Ledger and feeds."""
    said = {
        "equipment": command.equipment_id,
        "type": command.type_name,
        "tag": command.tag,
        "value": f"{command.value:g}",
        "reason": command.reason,
        "detail": command.detail,
        "read_back": "" if command.read_back is None else f"{command.read_back:g}",
    }
    parties = {command.tenant_id, command.requested_for_id}
    enter(kind=f"command.{command.state}", subject=command.pk, payload=said, with_tenants=parties)
    announce(command_facts(command).event(at))
