"""Shapes of plans over HTTP. The input is validated by `request.read_request`; here it is only described."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from optimization.models import PlanRun


class OptionsSerializer(serializers.Serializer[Any]):
    gap = serializers.FloatField(default=0.01, help_text="Stop at this relative gap, a fraction: 0.01 is one percent.")
    time_limit_s = serializers.FloatField(default=60.0, help_text="Stop after this many seconds with the best plan.")
    threads = serializers.IntegerField(default=1)
    seed = serializers.IntegerField(default=0)


@extend_schema_field(OpenApiTypes.OBJECT)
class InstanceField(serializers.JSONField):
    """A document of the JSON Schema that `plans/schema` answers."""


@extend_schema_field(OptionsSerializer)
class OptionsField(serializers.JSONField):
    """Documented as its serializer, read as it is."""


class PlanRequestSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    instance = InstanceField()
    options = OptionsField(default=dict)
    grade_set = serializers.UUIDField(
        default=None, allow_null=True, help_text="Its grades take the place of the instance's."
    )


class ProgressSerializer(serializers.Serializer[Any]):
    stage = serializers.CharField()
    incumbent = serializers.FloatField(allow_null=True, required=False, help_text="Cost of the best plan so far, $.")
    bound = serializers.FloatField(required=False, help_text="No plan is cheaper than this, $.")
    gap = serializers.FloatField(allow_null=True, required=False)
    elapsed_s = serializers.FloatField(required=False)


class ReportSerializer(serializers.Serializer[Any]):
    """Null is what there is not, or, of a plan of several organisations, what would count the figures of others."""

    termination = serializers.CharField()
    objective_usd = serializers.FloatField(allow_null=True)
    dual_bound_usd = serializers.FloatField(allow_null=True)
    relative_gap = serializers.FloatField(allow_null=True)
    build_s = serializers.FloatField(allow_null=True)
    solve_s = serializers.FloatField(allow_null=True)
    elapsed_s = serializers.FloatField()
    solver = serializers.CharField()
    peak_memory_mb = serializers.FloatField(allow_null=True)
    rows = serializers.IntegerField(allow_null=True)
    columns = serializers.IntegerField(allow_null=True)
    binaries = serializers.IntegerField(allow_null=True)
    nodes = serializers.IntegerField(allow_null=True)
    versions = serializers.DictField(
        child=serializers.CharField(), required=False, help_text="Of everything that worked on it, to repeat it by."
    )


class ViolationSerializer(serializers.Serializer[Any]):
    constraint = serializers.CharField()
    indices = serializers.ListField(child=serializers.CharField())
    amount = serializers.FloatField(allow_null=True)
    tolerance = serializers.FloatField()


class PlanRunSerializer(serializers.ModelSerializer[PlanRun]):
    """Everything but the two large documents, which have addresses of their own."""

    options = OptionsSerializer()
    progress = ProgressSerializer(allow_null=True)
    report = ReportSerializer(allow_null=True)
    cost_terms_usd = serializers.DictField(child=serializers.FloatField(), allow_null=True)
    violations = ViolationSerializer(many=True)
    explanation = serializers.ListField(child=serializers.CharField())
    grade_set = serializers.UUIDField(source="grade_set_id", allow_null=True)
    scenario_version = serializers.UUIDField(source="scenario_version_id", allow_null=True)

    class Meta:
        model = PlanRun
        fields = [
            *["id", "name", "status", "message", "options", "attempt", "progress"],
            *["created_at", "started_at", "heartbeat_at", "cancel_requested_at", "finished_at"],
            *["solver", "report", "cost_terms_usd", "violations", "explanation", "grade_set"],
            "scenario_version",
        ]
        read_only_fields = fields
