"""Shapes of kept rules over HTTP. Input serializers validate form; actions decide."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from edge_bridge.alarms.data import LONGEST_RE_ALARM_S, SHORTEST_RE_ALARM_S
from edge_bridge.catalogue.data import (
    EARLY_WARNING,
    LIMITS,
    MAX_RULE_NAME_CHARS,
    MAX_WORDS_CHARS,
    MOST_SENSORS,
    SHORTEST_REASON,
)
from edge_bridge.catalogue.trying import LONGEST_LEAD_S, MOST_LABELS
from edge_bridge.models import KeptRule, RulesInUse, RuleTrial, RuleVersion
from edge_bridge.models.rule import Stage
from edge_bridge.protocol import MAX_NAME_CHARS

_SETTINGS_HELP = "kind, equipment, tag, alarm_type and the kind's own parameters; see rule-kinds."


@extend_schema_field(OpenApiTypes.OBJECT)
class SettingsField(serializers.JSONField):
    """An object; what is in it the rules themselves judge."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError("must be an object")
        return super().to_internal_value(data)


class RuleFilterSerializer(serializers.Serializer[Any]):
    site = serializers.UUIDField(required=False)


class RuleVersionSerializer(serializers.ModelSerializer[RuleVersion]):
    settings = SettingsField()
    made_by = serializers.UUIDField(source="made_by_id", allow_null=True)
    warning = serializers.CharField(help_text="To be shown wherever the rule is; empty if nothing.")
    backtested = serializers.BooleanField(source="was_tried")

    class Meta:
        model = RuleVersion
        fields = [
            *["n", "settings", "note", "template", "clause", "template_status", "warning", "backtested"],
            *["made_by", "made_at"],
        ]


class KeptRuleSerializer(serializers.ModelSerializer[KeptRule]):
    site = serializers.UUIDField(source="site_id")
    stage = serializers.ChoiceField([str(stage) for stage in Stage])
    newest = RuleVersionSerializer()
    enabled = serializers.IntegerField(source="enabled_n", allow_null=True, help_text="The version in force.")
    safety = serializers.BooleanField(source="is_safety", help_text="No state of a machine silences its alarms.")

    class Meta:
        model = KeptRule
        fields = [
            *["id", "site", "name", "stage", "enabled", "safety", "re_alarm_s", "newest", "created_at", "retired_at"]
        ]


class KeptRuleDetailSerializer(KeptRuleSerializer):
    versions = RuleVersionSerializer(many=True, help_text="The newest first.")

    class Meta(KeptRuleSerializer.Meta):
        fields = [*KeptRuleSerializer.Meta.fields, "versions"]


class NewRuleVersionSerializer(serializers.Serializer[Any]):
    settings = SettingsField(help_text=_SETTINGS_HELP)
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=MAX_WORDS_CHARS)


class NewRuleSerializer(NewRuleVersionSerializer):
    site = serializers.UUIDField()
    name = serializers.CharField(max_length=MAX_RULE_NAME_CHARS)


class RuleSensorSerializer(serializers.Serializer[Any]):
    equipment = serializers.CharField(max_length=MAX_NAME_CHARS, help_text="Its code.")
    tag = serializers.CharField(max_length=MAX_NAME_CHARS)


class FromTemplateSerializer(serializers.Serializer[Any]):
    site = serializers.UUIDField()
    template = serializers.CharField(max_length=60)
    kind = serializers.ChoiceField([LIMITS, EARLY_WARNING], default=LIMITS, help_text="One of the template's `kinds`.")
    sensors = RuleSensorSerializer(
        many=True, required=False, default=list, max_length=MOST_SENSORS, help_text="None: all that measure the hazard."
    )


class KeptRulesSerializer(serializers.Serializer[Any]):
    rules = KeptRuleSerializer(many=True)


class RuleEnablingSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(required=False, allow_null=True, default=None, help_text="The newest if none.")
    reason = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=MAX_WORDS_CHARS,
        help_text="Needed where it was never backtested.",
    )


class RuleReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(min_length=SHORTEST_REASON, max_length=MAX_WORDS_CHARS)


class RuleCallsSerializer(RuleReasonSerializer):
    """How its alarms call operators."""

    safety = serializers.BooleanField(help_text="No state of a machine silences its alarms.")
    re_alarm_s = serializers.IntegerField(
        allow_null=True,
        min_value=SHORTEST_RE_ALARM_S,
        max_value=LONGEST_RE_ALARM_S,
        help_text="An acknowledged alarm that still stands is announced again after this; null: never.",
    )


class RuleTemplateSerializer(serializers.Serializer[Any]):
    """A limit as an instrument gives it; `warning` is to be shown with it."""

    key = serializers.CharField()
    hazard = serializers.CharField()
    unit = serializers.CharField()
    jurisdiction = serializers.CharField()
    place = serializers.CharField()
    side = serializers.ChoiceField(["high", "low"])
    over = serializers.ChoiceField(["reading", "shift"], help_text="Only limits on readings become rules.")
    kinds = serializers.ListField(child=serializers.CharField(), help_text="Of the rules that it drafts.")
    alarm = serializers.FloatField()
    action_limit = serializers.FloatField()
    restore_below = serializers.FloatField(allow_null=True)
    action = serializers.CharField()
    instrument = serializers.CharField()
    clause = serializers.CharField()
    status = serializers.CharField()
    source = serializers.CharField()
    warning = serializers.CharField()


class RuleTemplatesSerializer(serializers.Serializer[Any]):
    templates = RuleTemplateSerializer(many=True)


class RuleParameterSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.ChoiceField(["number", "whole", "flag", "text", "level"])
    needed = serializers.BooleanField()
    default = serializers.JSONField(allow_null=True)


class RuleKindSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    purpose = serializers.CharField()
    several = serializers.BooleanField(help_text="Takes `inputs`, a list of equipment and tag.")
    parameters = RuleParameterSerializer(many=True)


class RuleKindsSerializer(serializers.Serializer[Any]):
    kinds = RuleKindSerializer(many=True)


class BacktestLabelSerializer(serializers.Serializer[Any]):
    """Something that was wrong; `due` is when its harm was there, its end if left out."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    due = serializers.DateTimeField(required=False)
    words = serializers.CharField(required=False, default="", allow_blank=True, max_length=100)


class NewBacktestSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(required=False, allow_null=True, default=None, help_text="The newest if none.")
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    labels = BacktestLabelSerializer(many=True, required=False, default=list, max_length=MOST_LABELS)
    alarm_types = serializers.ListField(
        child=serializers.CharField(max_length=MAX_NAME_CHARS),
        required=False,
        allow_null=True,
        default=None,
        max_length=50,
        help_text="Alarms that count as known; null: all that other rules raised at the same machines.",
    )
    lead_s = serializers.FloatField(required=False, default=900.0, min_value=0.0, max_value=LONGEST_LEAD_S)


class BacktestSerializer(serializers.ModelSerializer[RuleTrial]):
    rule = serializers.UUIDField(source="version.rule_id")
    version = serializers.IntegerField(source="version.n")
    asked_by = serializers.UUIDField(source="asked_by_id", allow_null=True)

    class Meta:
        model = RuleTrial
        fields = [
            *["id", "rule", "version", "since", "until", "status", "done_frac", "message", "asked_by"],
            *["created_at", "cancel_requested_at", "finished_at"],
        ]


class BacktestKnownSerializer(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    due = serializers.DateTimeField()
    words = serializers.CharField()
    found = serializers.BooleanField()


class BacktestResultSerializer(serializers.Serializer[Any]):
    n_readings = serializers.IntegerField()
    heard_s = serializers.FloatField(help_text="From the first reading to the last.")
    n_alarms = serializers.IntegerField()
    n_known = serializers.IntegerField()
    hits = serializers.IntegerField()
    misses = serializers.IntegerField()
    false_alarms = serializers.IntegerField()
    false_alarms_per_week = serializers.FloatField(allow_null=True)
    precision = serializers.FloatField(allow_null=True)
    recall = serializers.FloatField(allow_null=True)
    lead_s = serializers.FloatField(allow_null=True, help_text="The median.")
    leads_s = serializers.ListField(child=serializers.FloatField())
    known = BacktestKnownSerializer(many=True)
    raised_at = serializers.ListField(child=serializers.DateTimeField())
    limits = serializers.ListField(child=serializers.FloatField())
    chart = serializers.ListField(child=serializers.ListField(), help_text="Time, least and greatest value.")


class BacktestDetailSerializer(BacktestSerializer):
    result = BacktestResultSerializer(allow_null=True)
    asked = serializers.JSONField()

    class Meta(BacktestSerializer.Meta):
        fields = [*BacktestSerializer.Meta.fields, "asked", "result"]


class RulesInUseSerializer(serializers.ModelSerializer[RulesInUse]):
    device = serializers.UUIDField(source="device_id")
    site = serializers.UUIDField(source="device.site_id")
    current = serializers.BooleanField(
        source="is_current", help_text="Whether that is what is enabled at the site now."
    )

    class Meta:
        model = RulesInUse
        fields = ["id", "device", "site", "edge", "digest", "current", "refused", "detail", "said_at"]
