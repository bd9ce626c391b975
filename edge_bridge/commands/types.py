"""What an organisation decides about its commands beforehand."""

from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction

from edge_bridge.commands.access import get_command_type
from edge_bridge.commands.data import MOST_TYPES, check_terms
from edge_bridge.models import CommandType
from tenants.api import enter, require
from tenants.data import Conflict


def make_command_type(**terms: Any) -> CommandType:
    """`terms` are columns of CommandType. Conflict if one of this name is in force for the kind."""
    who = require("manage_rules")
    check_terms(terms)
    if CommandType.objects.filter(tenant=who.tenant_id, retired_at=None).count() >= MOST_TYPES:
        raise Conflict(f"There are {MOST_TYPES} types of command in force; retire one first.")
    kind = CommandType(tenant_id=who.tenant_id, made_by_id=who.user_id, **terms)
    try:
        with transaction.atomic():
            kind.save()
    except IntegrityError:
        raise Conflict("There is such a type already; retire it first.") from None
    _enter(kind, "command_type.made")
    return kind


def retire_command_type(*, kind: CommandType) -> CommandType:
    """Nobody can ask for it any more; what was asked for before goes on under its terms."""
    kind = get_command_type(kind.pk)
    now = datetime.now(UTC)
    if not CommandType.objects.filter(pk=kind.pk, retired_at=None).update(retired_at=now):
        raise Conflict("This type is retired already.")
    kind.retired_at = now
    _enter(kind, "command_type.retired")
    return kind


def _enter(kind: CommandType, word: str) -> None:
    said = {
        "name": kind.name,
        "equipment_kind": kind.equipment_kind,
        "tag": kind.tag,
        "range": f"{kind.min_value:g} to {kind.max_value:g} {kind.unit}".rstrip(),
        "needs_two_persons": kind.needs_two_persons,
        "interlock_alarms": kind.interlock_alarms,
        "interlock_zone": kind.interlock_zone,
    }
    enter(kind=word, subject=kind.pk, payload=said)
