"""Shapes of alarms over HTTP. Input serializers validate form; actions decide."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rest_framework import serializers

from edge_bridge.alarm import State
from edge_bridge.alarms.data import (
    LONGEST_WAIT_S,
    MAX_COMMENT_CHARS,
    MAX_REASON_CHARS,
    MOST_STEPS,
    SHORTEST_WAIT_S,
    STATES,
)
from edge_bridge.models import Alarm, AlarmChange, EscalationStep, Quarantine, SuppressionRule
from edge_bridge.protocol import MAX_NAME_CHARS, AlarmEvent, Severity
from tenants.rest.masked import MaskedSerializer, nullable
from tenants.roles import ROLES

SEVERITIES = [str(severity) for severity in Severity]
ROLES_THAT_SEE = sorted(role for role, capabilities in ROLES.items() if "view_alarms" in capabilities)


class AlarmFilterSerializer(serializers.Serializer[Any]):
    """`shared` lists alarms that partners opened instead of own ones; `active` those not yet back to NORM, or with
    `false` past ones. Raised `since` ≤ … < `until`. To whom one is assigned or escalated is asked of own alarms only.
    """

    shared = serializers.BooleanField(required=False, default=False)
    active = serializers.BooleanField(required=False, allow_null=True, default=None)
    state = serializers.ChoiceField([str(state) for state in State], required=False)
    severity = serializers.ChoiceField(SEVERITIES, required=False)
    site = serializers.UUIDField(required=False)
    equipment = serializers.UUIDField(required=False)
    folded_into = serializers.UUIDField(required=False, help_text="Those that came in this flood.")
    alarm_type = serializers.CharField(required=False, max_length=MAX_NAME_CHARS)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    assigned_to = serializers.UUIDField(required=False, help_text="A member.")
    escalated_to_me = serializers.BooleanField(required=False, default=False, help_text="Or to a role of mine.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("assigned_to", "escalated_to_me"):
            if attrs["shared"] and attrs.get(name):
                raise serializers.ValidationError({name: "Leave it out, or 'shared'."})
        return attrs


class AlarmSerializer(MaskedSerializer[Alarm]):
    owner = serializers.UUIDField(source="tenant_id")
    site = serializers.UUIDField(source="site_id")
    site_name = serializers.CharField(source="site.name", allow_null=True)
    equipment = serializers.UUIDField(source="equipment_id", allow_null=True, help_text="Null: of a gateway or site.")
    equipment_code = serializers.CharField(source="equipment.code", allow_null=True)
    device = serializers.UUIDField(source="device_id", allow_null=True)
    state = serializers.ChoiceField([str(state) for state in State], source="state_now")
    stands = serializers.BooleanField(help_text="Whether the condition does, heard or not.")
    acknowledged_by = serializers.UUIDField(source="acknowledged_by_id", allow_null=True, help_text="The person.")
    acknowledged_for = serializers.UUIDField(
        source="acknowledged_for_id", allow_null=True, help_text="Their organisation."
    )
    assigned_to = serializers.UUIDField(source="assigned_to_id", allow_null=True)
    folded_into = serializers.UUIDField(source="folded_into_id", allow_null=True, help_text="The flood it came in.")

    class Meta:
        model = Alarm
        fields = [
            *["id", "owner", "site", "site_name", "equipment", "equipment_code", "device", "alarm_type", "severity"],
            *["state", "stands", "tag", "value", "limit", "rule", "rule_version", "clause", "clause_words"],
            *["clause_status", "clause_source", "detail", "historical", "raised_at", "occurred_at"],
            *["received_at", "cleared_at", "acknowledged_at", "acknowledged_by", "acknowledged_for", "annunciated_at"],
            *["shelved_until", "silenced_reason", "assigned_to", "escalation_step", "escalated_to", "folded_into"],
            *["n_folded", "re_alarm_at", "n_re_alarms", "masked"],
        ]
        extra_kwargs = nullable(Alarm, "tag", "value", "limit", "rule", "silenced_reason", "escalated_to") | {
            name: {"allow_null": True} for name in Alarm.tells
        }

    def get_masked(self, row: Alarm) -> list[str]:
        return [*super().get_masked(row), *(["site_name"] if "name" in row.site.masked else [])]


class AlarmChangeSerializer(MaskedSerializer[AlarmChange]):
    by_user = serializers.UUIDField(source="by_user_id", allow_null=True)
    by_tenant = serializers.UUIDField(source="by_tenant_id")

    class Meta:
        model = AlarmChange
        fields = [
            *["event", "from_state", "to_state", "severity", "value", "occurred_at", "recorded_at"],
            *["by_user", "by_tenant", "comment", "masked"],
        ]
        extra_kwargs = nullable(AlarmChange, "value", "comment")


class AlarmDetailSerializer(AlarmSerializer):
    """With its history, newest first; of a very long one the newest part."""

    changes = AlarmChangeSerializer(many=True, source="newest_changes")

    class Meta(AlarmSerializer.Meta):
        fields = [*AlarmSerializer.Meta.fields, "changes"]


class AcknowledgeSerializer(serializers.Serializer[Any]):
    comment = serializers.CharField(required=False, default="", allow_blank=True, max_length=MAX_COMMENT_CHARS)


class CommentSerializer(serializers.Serializer[Any]):
    comment = serializers.CharField(max_length=MAX_COMMENT_CHARS)


class AlarmReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(min_length=3, max_length=MAX_REASON_CHARS)


class ShelveSerializer(AlarmReasonSerializer):
    until = serializers.DateTimeField(help_text="Critical at most 1 h from now, high 8 h, others 24 h.")


class AssignSerializer(serializers.Serializer[Any]):
    user = serializers.UUIDField(allow_null=True, help_text="A member; null gives it to nobody.")


class SetAsideFilterSerializer(serializers.Serializer[Any]):
    """`waits`: only those that still wait for their machine, or only those that took their place or were dismissed."""

    waits = serializers.BooleanField(required=False, allow_null=True, default=None)
    site = serializers.UUIDField(required=False)


class SetAsideAlarmSerializer(serializers.ModelSerializer[Quarantine]):
    """An alarm as it came, and why it had no place; `equipment_code` is what the gateway calls the machine."""

    site = serializers.UUIDField(source="site_id")
    edge = serializers.CharField(source="watermark.edge")
    equipment_code = serializers.CharField(source="entry.equipment")
    alarm_type = serializers.CharField(source="entry.alarm_type")
    event = serializers.ChoiceField([str(event) for event in AlarmEvent], source="entry.event")
    severity = serializers.ChoiceField(SEVERITIES, source="entry.severity")
    tag = serializers.CharField(source="entry.tag")
    value = serializers.FloatField(source="entry.value")
    limit = serializers.FloatField(source="entry.limit")
    occurred_at = serializers.DateTimeField(source="entry.occurred_at")

    class Meta:
        model = Quarantine
        fields = [
            *["id", "site", "edge", "seq", "waits", "reason", "received_at", "equipment_code", "alarm_type", "event"],
            *["severity", "tag", "value", "limit", "occurred_at"],
        ]


class SuppressionRuleSerializer(serializers.ModelSerializer[SuppressionRule]):
    """While an alarm of type `cause` stands at the site, those of type `effect` there call nobody.

    Or, with `states`: while a machine is in one of them, its alarms of the kept `rule`, or on the `tag` (of any
    machine, or of the `equipment` alone), call nobody. What guards people is refused.
    """

    site = serializers.UUIDField(source="site_id")
    cause = serializers.CharField(max_length=MAX_NAME_CHARS, required=False, allow_blank=True, default="")
    effect = serializers.CharField(max_length=MAX_NAME_CHARS, required=False, allow_blank=True, default="")
    states = serializers.ListField(
        child=serializers.ChoiceField(STATES), max_length=len(STATES), required=False, default=list
    )
    rule = serializers.UUIDField(source="rule_id", required=False, allow_null=True, default=None)
    tag = serializers.CharField(max_length=MAX_NAME_CHARS, required=False, allow_blank=True, default="")
    equipment = serializers.UUIDField(source="equipment_id", required=False, allow_null=True, default=None)
    reason = serializers.CharField(min_length=3, max_length=MAX_REASON_CHARS)
    made_by = serializers.UUIDField(source="made_by_id", read_only=True, allow_null=True)

    class Meta:
        model = SuppressionRule
        fields = [
            *["id", "site", "cause", "effect", "states", "rule", "tag", "equipment", "reason", "made_by"],
            *["created_at", "ended_at"],
        ]
        read_only_fields = ["created_at", "ended_at"]
        validators: list[Any] = []  # the action says in words what there is already

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        of_states = ("rule_id", "tag", "equipment_id")
        if attrs["states"]:
            if attrs["cause"] or attrs["effect"]:
                raise serializers.ValidationError({"states": "leave out cause and effect beside states"})
        elif not (attrs["cause"] and attrs["effect"]) or any(attrs[name] for name in of_states):
            message = "give cause and effect, or states with a rule or a tag"
            raise serializers.ValidationError({"cause": message})
        return attrs


class AlarmStepSerializer(serializers.Serializer[Any]):
    """To whom it goes after so long: a role or a member."""

    after_s = serializers.IntegerField(min_value=SHORTEST_WAIT_S, max_value=LONGEST_WAIT_S)
    role = serializers.ChoiceField(ROLES_THAT_SEE, required=False, default="")
    user = serializers.UUIDField(source="user_id", required=False, allow_null=True, default=None)


class EscalationSerializer(serializers.Serializer[Any]):
    """The steps for a severity at a site, or with null wherever a site has none of its own; [] lifts them."""

    site = serializers.UUIDField(allow_null=True)
    severity = serializers.ChoiceField(SEVERITIES)
    steps = AlarmStepSerializer(many=True, max_length=MOST_STEPS)


class EscalationStepSerializer(serializers.ModelSerializer[EscalationStep]):
    site = serializers.UUIDField(source="site_id", allow_null=True)
    user = serializers.UUIDField(source="user_id", allow_null=True)

    class Meta:
        model = EscalationStep
        fields = ["id", "site", "severity", "after_s", "role", "user", "created_at"]


class HealthSpanSerializer(serializers.Serializer[Any]):
    """One site, from `since` to `until`; the last week if nothing is said."""

    site = serializers.UUIDField()
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("until", datetime.now(UTC))
        attrs.setdefault("since", max(attrs["until"], datetime(1, 1, 10, tzinfo=UTC)) - timedelta(days=7))
        return attrs


class HourSerializer(serializers.Serializer[Any]):
    begins_at = serializers.DateTimeField()
    calls = serializers.IntegerField()


class FloodSerializer(serializers.Serializer[Any]):
    begins_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    calls = serializers.IntegerField()


class SourceSerializer(serializers.Serializer[Any]):
    """One alarm as operators know it: a type on a machine; `equipment_code` is empty for those of a gateway or site."""

    equipment_code = serializers.CharField()
    alarm_type = serializers.CharField()
    calls = serializers.IntegerField()


class StaleSerializer(serializers.Serializer[Any]):
    alarm = serializers.UUIDField()
    equipment_code = serializers.CharField()
    alarm_type = serializers.CharField()
    raised_at = serializers.DateTimeField()


class HealthSerializer(serializers.Serializer[Any]):
    """How an operator's position fares, ISA-18.2: about 6 calls an hour are acceptable, 12 the most one can manage."""

    site = serializers.UUIDField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    calls = serializers.IntegerField()
    calls_per_hour = serializers.FloatField()
    busiest_hour_calls = serializers.IntegerField()
    hours_above_acceptable_frac = serializers.FloatField()
    hours_above_manageable_frac = serializers.FloatField()
    flood_time_frac = serializers.FloatField()
    top_ten_frac = serializers.FloatField()
    verdict = serializers.ChoiceField(["acceptable", "manageable", "overloaded"])
    hours = HourSerializer(many=True)
    floods = FloodSerializer(many=True)
    chattering = SourceSerializer(many=True)
    top_ten = SourceSerializer(many=True)
    stale = StaleSerializer(many=True)
