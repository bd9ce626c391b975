"""Commands and their types are fetched and authorised in one step."""

from uuid import UUID

from edge_bridge.commands.queries import MACHINE_IN_SIGHT
from edge_bridge.models import Command, CommandType
from tenants.api import actor, granted, require
from tenants.data import NotFound


def get_command(command_id: UUID, *, needs: str = "send_commands") -> Command:
    """An own command, or one to a machine opened with `needs`."""
    require(needs)
    rows = Command.objects.select_related("equipment", "site").filter(MACHINE_IN_SIGHT, pk=command_id)
    command = rows.first()
    if command is None or not _is_open(command, needs):
        raise NotFound
    return command


def get_own_command(command_id: UUID, *, needs: str) -> Command:
    """A partner may ask, and only the owner decides."""
    require(needs)
    command = get_command(command_id, needs=needs)
    if command.tenant_id != actor().tenant_id:
        raise NotFound
    return command


def get_command_type(type_id: UUID) -> CommandType:
    require("manage_rules")
    found = CommandType.objects.filter(pk=type_id).first()
    if found is None:
        raise NotFound
    return found


def _is_open(row: Command, needs: str) -> bool:
    return (
        row.tenant_id == actor().tenant_id
        or row.equipment_id in granted("equipment", needs)
        or row.site_id in granted("sites", needs)
    )
