"""Shapes of experiments over HTTP. Options are validated by `experiments.request`; here they are only described."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from optimization.experiments.design import DRAWS
from optimization.experiments.request import SMALL, TABLES
from optimization.experiments.studies import STUDIES
from optimization.models import Experiment

SIZES = f"Generated instances: mines-centres-users-periods, {' or '.join(TABLES)}; {', '.join(SMALL)} if left out."


class StudyOptionsSerializer(serializers.Serializer[Any]):
    sizes = serializers.ListField(child=serializers.CharField(), required=False, help_text=SIZES)
    cases = serializers.ListField(child=serializers.IntegerField(), required=False, help_text="1 to 5; [1, 2].")
    seed = serializers.IntegerField(default=1, help_text="Of generated instances and of draws.")
    draws = serializers.IntegerField(default=DRAWS, help_text="Disturbances a case, for robustness.")
    gap = serializers.FloatField(default=0.01, help_text="Relative gap of each solve, a fraction.")
    time_limit_s = serializers.FloatField(default=20.0, help_text="Seconds a solve.")
    threads = serializers.IntegerField(default=1)


class StudyStoredOptionsSerializer(StudyOptionsSerializer):
    plan = serializers.UUIDField(required=False, help_text="The plan whose instance is studied.")


@extend_schema_field(StudyOptionsSerializer)
class StudyOptionsField(serializers.JSONField):
    """Documented as its serializer, read as it is."""


class ExperimentRequestSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=list(STUDIES))
    name = serializers.CharField(max_length=200)
    plan = serializers.UUIDField(
        default=None, allow_null=True, help_text="Study the instance of this plan of yours; then no sizes and cases."
    )
    options = StudyOptionsField(default=dict)


class StudyProgressSerializer(serializers.Serializer[Any]):
    stage = serializers.CharField(help_text="Which solve is in hand.")
    done = serializers.IntegerField(required=False)
    of = serializers.IntegerField(required=False)
    elapsed_s = serializers.FloatField(required=False, help_text="Of this attempt.")
    incumbent_usd = serializers.FloatField(required=False, allow_null=True)
    relative_gap = serializers.FloatField(required=False, allow_null=True)


class ExperimentSerializer(serializers.ModelSerializer[Experiment]):
    options = StudyStoredOptionsSerializer()
    progress = StudyProgressSerializer(allow_null=True)

    class Meta:
        model = Experiment
        fields = [
            *["id", "name", "kind", "status", "message", "options", "attempt", "progress"],
            *["created_at", "started_at", "heartbeat_at", "cancel_requested_at", "finished_at"],
        ]
        read_only_fields = fields


@extend_schema_field(OpenApiTypes.OBJECT)
class RowField(serializers.JSONField):
    """The fields depend on the study; docs/how-to/run-the-experiments.md names them."""


class ResultsSerializer(serializers.Serializer[Any]):
    rows = serializers.ListField(child=RowField())
    conclusions = serializers.ListField(child=serializers.CharField(), help_text="A sentence a figure.")


class FiguresOfStudySerializer(serializers.Serializer[Any]):
    figures = serializers.DictField(child=RowField(), help_text="Plotly specifications by name: data and layout.")


class KindsSerializer(serializers.Serializer[Any]):
    kinds = serializers.DictField(child=serializers.CharField(), help_text="What each study shows.")
