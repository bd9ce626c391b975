"""Shapes of scenarios, decisions and releases over HTTP. What a document holds is read by the actions."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from optimization.models import PlanDecision, PlanRelease, Scenario, ScenarioVersion
from optimization.rest.serializers import InstanceField, OptionsField
from optimization.scenarios import queries

MOST_COMPARED = 8
REASON_CHARS = 2000


@extend_schema_field({"type": "array", "items": {"type": "object", "additionalProperties": True}})
class VariationsField(serializers.JSONField):
    """A document of the JSON Schema that `scenarios/variations-schema` answers."""


class ScenarioContentSerializer(serializers.Serializer[Any]):
    """What a version says: an instance, or a base version and variations on it."""

    instance = InstanceField(required=False)
    base = serializers.UUIDField(required=False, help_text="Id of a version, of this scenario or of another.")
    variations = VariationsField(required=False)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class NewScenarioSerializer(ScenarioContentSerializer):
    name = serializers.CharField(max_length=200)


class NewScenarioVersionSerializer(ScenarioContentSerializer):
    expected_version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 2, help_text="The newest version that you have read."
    )


class ScenarioSolveSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, required=False, default="", help_text="The scenario's if left out.")
    options = OptionsField(required=False, default=dict)
    grade_set = serializers.UUIDField(
        default=None, allow_null=True, help_text="Its grades take the place of the version's."
    )


class ScenarioSerializer(serializers.ModelSerializer[Scenario]):
    """`version` is the newest version's number."""

    class Meta:
        model = Scenario
        fields = ["id", "name", "version", "created_at", "archived_at"]
        read_only_fields = fields


class ScenarioBaseSerializer(serializers.ModelSerializer[ScenarioVersion]):
    scenario_name = serializers.CharField(source="scenario.name")

    class Meta:
        model = ScenarioVersion
        fields = ["id", "scenario", "scenario_name", "number"]
        read_only_fields = fields


class ScenarioVersionSerializer(serializers.ModelSerializer[ScenarioVersion]):
    """`base` is what it varies; a version that has an instance of its own has none."""

    base = ScenarioBaseSerializer(allow_null=True)
    variations = VariationsField()

    class Meta:
        model = ScenarioVersion
        fields = ["id", "scenario", "number", "base", "variations", "note", "created_at"]
        read_only_fields = fields


class ScenarioVersionDetailSerializer(ScenarioVersionSerializer):
    """`words` are the variations, one by one; `plan` is its newest solved plan, or else its newest run."""

    words = serializers.SerializerMethodField()
    plan = serializers.SerializerMethodField()

    class Meta(ScenarioVersionSerializer.Meta):
        fields = [*ScenarioVersionSerializer.Meta.fields, "words", "plan"]
        read_only_fields = fields

    def get_words(self, version: ScenarioVersion) -> list[str]:
        return queries.told_variations(version)

    def get_plan(self, version: ScenarioVersion) -> UUID | None:
        run = queries.newest_run(version)
        return run and run.pk


class PlanApprovalSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=REASON_CHARS, required=False, allow_blank=True, default="")


class PlanRejectionSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=REASON_CHARS, help_text="What to do better.")


class PlanDecisionSerializer(serializers.ModelSerializer[PlanDecision]):
    plan = serializers.UUIDField(source="run_id")
    decided_by_name = serializers.CharField(source="decided_by.name")

    class Meta:
        model = PlanDecision
        fields = ["plan", "is_approved", "reason", "decided_by", "decided_by_name", "decided_at"]
        read_only_fields = fields


class PlanReleaseSerializer(serializers.ModelSerializer[PlanRelease]):
    """`digest` is the SHA-256 of the canonical JSON of what was released, see docs/how-to/plan-scenarios.md."""

    plan = serializers.UUIDField(source="run_id")
    plan_name = serializers.CharField(source="run.name")
    scenario_name = serializers.CharField(source="scenario.name", allow_null=True, default=None)
    is_in_force = serializers.BooleanField()
    released_by_name = serializers.CharField(source="released_by.name")

    class Meta:
        model = PlanRelease
        fields = [
            *["id", "number", "plan", "plan_name", "scenario", "scenario_name", "is_in_force", "digest"],
            *["released_by", "released_by_name", "released_at"],
        ]
        read_only_fields = fields


class PlanReleaseCheckSerializer(serializers.Serializer[Any]):
    digest = serializers.CharField(help_text="As it was released.")
    recomputed = serializers.CharField(help_text="Of what the database holds now.")
    is_genuine = serializers.BooleanField()


class ComparisonQuerySerializer(serializers.Serializer[Any]):
    """Which plans: their ids, or those of versions, for each of which its newest solved plan is taken."""

    runs = serializers.CharField(required=False, help_text=f"1 to {MOST_COMPARED} ids of plans, with commas.")
    versions = serializers.CharField(required=False, help_text=f"1 to {MOST_COMPARED} ids of versions, with commas.")

    def validate_runs(self, text: str) -> list[UUID]:
        return _ids(text)

    def validate_versions(self, text: str) -> list[UUID]:
        return _ids(text)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if len(given) != 1:
            raise serializers.ValidationError({"runs": "give either runs or versions"})
        return given


def _ids(text: str) -> list[UUID]:
    parts = text.split(",")
    if len(parts) > MOST_COMPARED or len(set(parts)) < len(parts):
        raise serializers.ValidationError(f"give 1 to {MOST_COMPARED} ids, each once")
    return [serializers.UUIDField().to_internal_value(part.strip()) for part in parts]


class ComparedPlanSerializer(serializers.Serializer[Any]):
    """A compared plan; `message` says why where there is none. `variations` are all that lead to it, in words."""

    plan = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.CharField()
    message = serializers.CharField()
    scenario = serializers.UUIDField(allow_null=True)
    scenario_name = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    variations = serializers.ListField(child=serializers.CharField())


class ComparisonRowSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    values = serializers.ListField(child=serializers.FloatField(allow_null=True))


class PlanDifferenceSerializer(serializers.Serializer[Any]):
    plan = serializers.UUIDField()
    than = serializers.UUIDField()
    words = serializers.ListField(child=serializers.CharField())


class PlanComparisonSerializer(serializers.Serializer[Any]):
    """`rows` have one value for each of `plans`; null where there is no plan."""

    plans = ComparedPlanSerializer(many=True)
    rows = ComparisonRowSerializer(many=True)
    differences = PlanDifferenceSerializer(many=True)
