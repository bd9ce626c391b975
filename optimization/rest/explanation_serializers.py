"""Shapes of what explains a plan, over HTTP."""

from typing import Any

from rest_framework import serializers


class StepSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    usd = serializers.FloatField()
    start_usd = serializers.FloatField()
    end_usd = serializers.FloatField()


class WaterfallSerializer(serializers.Serializer[Any]):
    total_usd = serializers.FloatField(help_text="The objective in whole cents; the steps of each cut end here.")
    by_term = StepSerializer(many=True)
    by_mine = StepSerializer(many=True)
    by_period = StepSerializer(many=True)


class RuleSerializer(serializers.Serializer[Any]):
    rule = serializers.CharField(help_text="Its number in docs/formulation.md and what it says.")
    place = serializers.ListField(child=serializers.CharField())
    period = serializers.CharField()
    used = serializers.FloatField()
    limit = serializers.FloatField()
    slack = serializers.FloatField()
    unit = serializers.CharField()
    marginal_usd_per_unit = serializers.FloatField(
        allow_null=True,
        help_text="What one more unit of the limit adds to the cost, decisions staying; below 0 it saves.",
    )
    is_binding = serializers.BooleanField()


class ShortageSerializer(serializers.Serializer[Any]):
    mine = serializers.CharField()
    user = serializers.CharField()
    period = serializers.CharField()
    tonnes = serializers.FloatField()


class RepairSerializer(serializers.Serializer[Any]):
    rule = serializers.CharField()
    place = serializers.ListField(child=serializers.CharField())
    period = serializers.CharField()
    amount = serializers.FloatField()
    unit = serializers.CharField()
    usd = serializers.FloatField()


class DiagnosisSerializer(serializers.Serializer[Any]):
    shortages = ShortageSerializer(many=True, allow_null=True)
    repairs = RepairSerializer(many=True, allow_null=True)
    tonnes_short = serializers.FloatField(allow_null=True)
    repair_usd = serializers.FloatField(allow_null=True)
    is_fewest = serializers.BooleanField(help_text="Proven, rather than the best found in the time given.")
    is_cheapest = serializers.BooleanField(help_text="Proven, rather than the best found in the time given.")


class ExplanationSerializer(serializers.Serializer[Any]):
    """Of a plan: cost and rules. Where there is none: the shortage and its repair."""

    words = serializers.ListField(child=serializers.CharField())
    cost = WaterfallSerializer(allow_null=True)
    rules = RuleSerializer(many=True, help_text="The tightest of each kind.")
    rules_left_out = serializers.DictField(child=serializers.IntegerField(), help_text="How many more, by kind.")
    diagnosis = DiagnosisSerializer(allow_null=True)


class DifferenceQuerySerializer(serializers.Serializer[Any]):
    to = serializers.UUIDField(help_text="The plan to hold against this one.")


class ChangeSerializer(serializers.Serializer[Any]):
    what = serializers.CharField()
    where = serializers.ListField(child=serializers.CharField())
    before = serializers.JSONField(allow_null=True, help_text="A number or a name; null where it was not there.")
    after = serializers.JSONField(allow_null=True)


class DifferenceSerializer(serializers.Serializer[Any]):
    words = serializers.ListField(child=serializers.CharField())
    before_usd = serializers.FloatField()
    after_usd = serializers.FloatField()
    cost_by_term = ChangeSerializer(many=True)
    flows = ChangeSerializer(many=True)
    cutoffs = ChangeSerializer(many=True)
    stocks = ChangeSerializer(many=True)
    data = ChangeSerializer(many=True, help_text="Why: every number of the instance that changed.")
    left_out = serializers.DictField(child=serializers.IntegerField(), help_text="How many smaller changes, by list.")
    old_plan_misses = serializers.ListField(child=serializers.CharField())
    old_plan_cost_usd = serializers.FloatField(
        allow_null=True, help_text="The first plan under the second's data; null where it does not fit at all."
    )
