"""The public door of commands for the other apps, beside `edge_bridge.api`."""

from edge_bridge.commands.access import get_command, get_command_type
from edge_bridge.commands.actions import approve_command, reject_command, request_command, withdraw_command
from edge_bridge.commands.data import CommandFacts, Zone
from edge_bridge.commands.life import OPEN_STATES, State
from edge_bridge.commands.queries import changes_of, command_facts, commands_where, machines, types, types_open_for
from edge_bridge.commands.types import make_command_type, retire_command_type

__all__ = [
    "OPEN_STATES",
    "CommandFacts",
    "State",
    "Zone",
    "approve_command",
    "changes_of",
    "command_facts",
    "commands_where",
    "get_command",
    "get_command_type",
    "machines",
    "make_command_type",
    "reject_command",
    "request_command",
    "retire_command_type",
    "types",
    "types_open_for",
    "withdraw_command",
]
