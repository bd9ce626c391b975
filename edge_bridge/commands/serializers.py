"""Shapes of commands over HTTP. Input serializers validate form; actions decide."""

from typing import Any

from rest_framework import serializers

from edge_bridge.commands.data import (
    HIGHEST,
    LONGEST_LIFE_S,
    LONGEST_SETTLING_S,
    MAX_INTERLOCKS,
    MAX_REASON_CHARS,
    SHORTEST_LIFE_S,
    Zone,
)
from edge_bridge.commands.life import State
from edge_bridge.models import Command, CommandChange, CommandType
from edge_bridge.protocol import MAX_NAME_CHARS
from tenants.rest.masked import MaskedSerializer, nullable

STATES = [str(state) for state in State]


class CommandFilterSerializer(serializers.Serializer[Any]):
    """`shared` lists commands to machines that partners opened instead of own ones."""

    shared = serializers.BooleanField(required=False, default=False)
    state = serializers.ChoiceField(STATES, required=False)
    site = serializers.UUIDField(required=False)
    equipment = serializers.UUIDField(required=False)


class CommandSerializer(MaskedSerializer[Command]):
    """`value` and `read_back` are in `unit`, a UCUM code; `detail` says why it is in its state."""

    owner = serializers.UUIDField(source="tenant_id")
    site = serializers.UUIDField(source="site_id")
    equipment = serializers.UUIDField(source="equipment_id")
    equipment_code = serializers.CharField(source="equipment.code")
    type = serializers.UUIDField(source="type_id")
    requested_by = serializers.UUIDField(source="requested_by_id", allow_null=True)
    requested_for = serializers.UUIDField(source="requested_for_id")
    approved_by = serializers.UUIDField(source="approved_by_id", allow_null=True)
    state = serializers.ChoiceField(STATES)

    class Meta:
        model = Command
        fields = [
            *["id", "owner", "site", "equipment", "equipment_code", "type", "type_name", "tag", "unit", "value"],
            *["reason", "state", "detail", "read_back", "needs_two_persons", "requested_by", "requested_for"],
            *["requested_at", "not_after", "approved_by", "approved_at", "sent_at", "changed_at", "masked"],
        ]
        extra_kwargs = nullable(Command, "reason")


class CommandChangeSerializer(MaskedSerializer[CommandChange]):
    by_user = serializers.UUIDField(source="by_user_id", allow_null=True)
    by_tenant = serializers.UUIDField(source="by_tenant_id")

    class Meta:
        model = CommandChange
        fields = [
            *["event", "from_state", "to_state", "detail", "value", "occurred_at", "recorded_at"],
            *["by_user", "by_tenant", "masked"],
        ]


class CommandDetailSerializer(CommandSerializer):
    """With its life, oldest first."""

    changes = CommandChangeSerializer(many=True, source="life")

    class Meta(CommandSerializer.Meta):
        fields = [*CommandSerializer.Meta.fields, "changes"]


class RequestCommandSerializer(serializers.Serializer[Any]):
    """`expires_s` at most that of the type, which is also what holds if nothing is said."""

    equipment = serializers.UUIDField(source="equipment_id")
    type = serializers.UUIDField(source="type_id")
    value = serializers.FloatField(min_value=-HIGHEST, max_value=HIGHEST)
    reason = serializers.CharField(min_length=3, max_length=MAX_REASON_CHARS)
    expires_s = serializers.IntegerField(required=False, min_value=SHORTEST_LIFE_S, max_value=LONGEST_LIFE_S)


class CommandReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(min_length=3, max_length=MAX_REASON_CHARS)


class CommandTypeSerializer(serializers.ModelSerializer[CommandType]):
    """What may be set on machines of a kind: never changed, only retired. Refused while an alarm of
    `interlock_alarms` is open in the zone."""

    name = serializers.CharField(max_length=MAX_NAME_CHARS)
    min_value = serializers.FloatField(min_value=-HIGHEST, max_value=HIGHEST)
    max_value = serializers.FloatField(min_value=-HIGHEST, max_value=HIGHEST)
    tolerance = serializers.FloatField(required=False, default=0.0, min_value=0.0, max_value=HIGHEST)
    interlock_alarms = serializers.ListField(
        child=serializers.CharField(max_length=MAX_NAME_CHARS), required=False, default=list, max_length=MAX_INTERLOCKS
    )
    interlock_zone = serializers.ChoiceField([str(zone) for zone in Zone], required=False, default=str(Zone.SITE))
    settles_s = serializers.IntegerField(required=False, default=60, min_value=0, max_value=LONGEST_SETTLING_S)
    expires_s = serializers.IntegerField(
        required=False, default=300, min_value=SHORTEST_LIFE_S, max_value=LONGEST_LIFE_S
    )
    made_by = serializers.UUIDField(source="made_by_id", read_only=True, allow_null=True)

    class Meta:
        model = CommandType
        fields = [
            *["id", "name", "equipment_kind", "tag", "unit", "min_value", "max_value", "needs_two_persons"],
            *["interlock_alarms", "interlock_zone", "read_back_tag", "tolerance", "settles_s", "expires_s"],
            *["made_by", "created_at", "retired_at"],
        ]
        read_only_fields = ["created_at", "retired_at"]
