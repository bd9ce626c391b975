"""What is due about commands without anybody asking: those whose time is over, and those to be judged by what is read.

Each organisation's share is a transaction of its own. What is done once is not due any more.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from edge_bridge.commands import queries
from edge_bridge.commands.data import WORD_WITHIN, settled
from edge_bridge.commands.delivery import lose_sight
from edge_bridge.commands.life import NOT_SENT_STATES, ON_ITS_WAY_STATES, Event, State
from edge_bridge.commands.steps import take
from edge_bridge.models import Command
from edge_bridge.sweeping import sweep_each
from tenants.api import as_platform

MOST_AT_ONCE = 500


def sweep_commands(now: datetime) -> int:
    """Do what is due, for everyone; returns how many commands were looked at."""
    with as_platform("sweep", "commands of which something is due") as platform:
        owners = set(due(now).order_by("tenant").values_list("tenant", flat=True).distinct())
        platform.leaves_trace = bool(owners)
    return sweep_each(owners, "cloud:commands", lambda tenant_id: sweep_of(tenant_id, now))


def sweep_of(tenant_id: UUID, now: datetime) -> int:
    """One organisation's share, in the open transaction of its own."""
    rows = due(now).filter(tenant=tenant_id).select_related("equipment", "site", "type").order_by("pk")
    found = list(rows.select_for_update(of=("self",), skip_locked=True)[:MOST_AT_ONCE])
    for command in found:
        _settle(command, now)
    return len(found)


def due(now: datetime) -> QuerySet[Command]:
    return Command.objects.filter(
        Q(state__in=NOT_SENT_STATES, not_after__lte=now)
        | Q(state__in=ON_ITS_WAY_STATES, not_after__lte=now - WORD_WITHIN)
        | Q(state=State.UNKNOWN, settles_at__isnull=False)
    )


def _settle(command: Command, now: datetime) -> None:
    if command.is_not_sent:
        waited_for = "for a second person" if command.state == State.REQUESTED else "for its gateway to fetch it"
        take(command, Event.EXPIRED, now=now, detail=f"Its time was over while it waited {waited_for}.")
    elif command.state in ON_ITS_WAY_STATES:
        lose_sight(command, now, "Its time is over, and the gateway has not said what became of it.")
    else:
        _read_back(command, now)


def _read_back(command: Command, now: datetime) -> None:
    assert command.settles_at is not None
    read, time_is_over = queries.read_since(command, now), now >= command.settles_at
    event = settled(read, command.value, command.type.tolerance, time_is_over=time_is_over)
    if time_is_over or event:
        command.settles_at = None
    if event:
        take(command, event, now=now, detail=f"By what {command.type.read_back_tag} reads: {read:g}.", value=read)
    elif time_is_over:
        command.save()
