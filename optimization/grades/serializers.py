"""Shapes of grade samples and sets over HTTP. What samples say is judged by `uncertainty.samples`."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from optimization.grades.actions import MAX_BATCHES
from optimization.models import GradeRetest, GradeSet, SampleBatch
from optimization.uncertainty.drift import Drift
from optimization.uncertainty.estimation import COVERS, METHODS, FitOptions
from optimization.uncertainty.mines import FitSettings, Floor
from optimization.uncertainty.samples import Columns
from tenants.data import FieldError, Invalid

# Samples ------------------------------------------------------------------------------------------------------------


class SampleSerializer(serializers.Serializer[Any]):
    value = serializers.FloatField(help_text="The grade: a fraction, or percent with in_percent.")
    mine = serializers.CharField(max_length=100, required=False, help_text="As in the instances of plans.")
    location = serializers.CharField(max_length=100, required=False)
    cutoff = serializers.CharField(max_length=100, required=False)
    element = serializers.CharField(max_length=100, required=False, help_text="Empty for the grade that alpha limits.")
    time = serializers.DateTimeField(required=False, help_text="Without a zone it is UTC.")
    source = serializers.CharField(max_length=200, required=False)


@extend_schema_field(SampleSerializer(many=True))
class RowsField(serializers.JSONField):
    """Documented as its serializer, read by the pure core, which takes thousands of rows in a blink."""


class BatchOptionsSerializer(serializers.Serializer[Any]):
    """What holds for all samples of a batch; `mine` and `element` for the rows that name none."""

    source = serializers.CharField(max_length=200, help_text="Where the batch comes from: a laboratory, a file.")
    mine = serializers.CharField(max_length=100, default="")
    element = serializers.CharField(max_length=100, default="")
    in_percent = serializers.BooleanField(default=False)


class CsvOptionsSerializer(BatchOptionsSerializer):
    """The same beside a CSV, with the names of its columns where they are others."""

    value_column = serializers.CharField(max_length=100, default="value")
    mine_column = serializers.CharField(max_length=100, default="mine")
    location_column = serializers.CharField(max_length=100, default="location")
    cutoff_column = serializers.CharField(max_length=100, default="cutoff")
    element_column = serializers.CharField(max_length=100, default="element")
    time_column = serializers.CharField(max_length=100, default="time")
    source_column = serializers.CharField(max_length=100, default="source")

    def columns(self) -> Columns:
        return Columns(
            **{name.removesuffix("_column"): v for name, v in self.validated_data.items() if "_column" in name}
        )


class SamplesSerializer(BatchOptionsSerializer):
    samples = RowsField()


class RetestSerializer(serializers.ModelSerializer[GradeRetest]):
    """What the samples of a batch said of a set. `too_few` says nothing against it."""

    set = serializers.UUIDField(source="grade_set_id")
    name = serializers.CharField(source="grade_set.name")
    version = serializers.IntegerField(source="grade_set.version")
    batch = serializers.UUIDField(source="batch_id")
    verdict = serializers.ChoiceField(source="report.drift", choices=[drift.value for drift in Drift])
    words = serializers.ListField(source="report.words", child=serializers.CharField())

    class Meta:
        model = GradeRetest
        fields = ["set", "name", "version", "batch", "is_holding", "verdict", "words", "created_at"]


class BatchSerializer(serializers.ModelSerializer[SampleBatch]):
    """`is_telemetry`: measured by an analyser; a set is fitted to it only if it is named."""

    class Meta:
        model = SampleBatch
        fields = ["id", "source", "n", "digest", "is_telemetry", "created_by", "created_at"]


class PlaceSerializer(serializers.Serializer[Any]):
    mine = serializers.CharField()
    element = serializers.CharField()
    location = serializers.CharField()
    cutoff = serializers.CharField()
    n = serializers.IntegerField()


class StoredBatchSerializer(BatchSerializer):
    """A batch with what it did. `is_known`: the very same samples were here before, and nothing was changed."""

    is_known = serializers.BooleanField()
    places = PlaceSerializer(many=True)
    retests = RetestSerializer(many=True)

    class Meta(BatchSerializer.Meta):
        fields = [*BatchSerializer.Meta.fields, "is_known", "places", "retests"]


# Sets ---------------------------------------------------------------------------------------------------------------


class FloorSerializer(serializers.Serializer[Any]):
    mine = serializers.CharField(max_length=100)
    location = serializers.CharField(max_length=100)
    cutoff = serializers.CharField(max_length=100)
    floor_frac = serializers.FloatField(min_value=0, max_value=1)


class FitSettingsSerializer(serializers.Serializer[Any]):
    method = serializers.ChoiceField(METHODS, default="t")
    covers = serializers.ChoiceField(COVERS, default="realisation", help_text="One more realisation, or the mean only.")
    level = serializers.FloatField(default=0.95, help_text="Two-sided confidence of the interval, a fraction.")
    violation = serializers.FloatField(
        default=None, allow_null=True, help_text="Probability of a miss: makes a budget of the box."
    )
    mean0_frac = serializers.FloatField(default=None, allow_null=True, help_text="Grade to test the means against.")
    held_out = serializers.FloatField(default=0.25, help_text="Share kept back to measure the coverage.")
    seed = serializers.IntegerField(default=0)
    floors = FloorSerializer(many=True, default=list, help_text="Where poorer ore is sorted out.")
    unwanted = serializers.ListField(
        child=serializers.CharField(max_length=100), default=list, max_length=50, help_text="Elements feared to rise."
    )
    mines = serializers.ListField(
        child=serializers.CharField(max_length=100), default=list, max_length=1_000, help_text="Only these."
    )
    skips_few = serializers.BooleanField(default=False, help_text="Leave out places with too few samples.")

    def to_internal_value(self, data: Any) -> Any:
        """A setting that is misspelt would silently be another set."""
        unknown = [name for name in data if name not in self.fields] if isinstance(data, Mapping) else []
        if unknown:
            raise serializers.ValidationError({str(unknown[0])[:100]: [f"is not known: use {', '.join(self.fields)}"]})
        return super().to_internal_value(data)


def _usual_settings() -> dict[str, Any]:
    return {**FitSettingsSerializer().run_validation({})}


class FitRequestSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, help_text="A name that is known already gets its next version.")
    settings = FitSettingsSerializer(default=_usual_settings)
    batches = serializers.ListField(
        child=serializers.UUIDField(), default=None, allow_null=True, min_length=1, max_length=MAX_BATCHES,
        help_text="All that there are when it is left out.",
    )  # fmt: skip

    def fit_settings(self) -> FitSettings:
        """Of validated data; Invalid where a number is out of range."""
        given = dict(self.validated_data["settings"])
        floors = tuple(Floor(**floor) for floor in given.pop("floors"))
        unwanted, mines, skips_few = tuple(given.pop("unwanted")), tuple(given.pop("mines")), given.pop("skips_few")
        try:
            return FitSettings(FitOptions(**given), floors, unwanted, mines, skips_few)
        except ValueError as error:
            raise Invalid("The settings are not acceptable.", (FieldError("/settings", str(error)),)) from error


class CoverageSerializer(serializers.Serializer[Any]):
    """Of n held-out samples those that the set, fitted without them, covers."""

    n = serializers.IntegerField()
    covered = serializers.IntegerField()


class GradeSetSerializer(serializers.ModelSerializer[GradeSet]):
    batches = serializers.ListField(source="batch_ids", child=serializers.UUIDField())

    class Meta:
        model = GradeSet
        fields = ["id", "name", "version", "settings", "batches", "created_by", "created_at"]


class GradesSerializer(serializers.Serializer[Any]):
    location = serializers.CharField()
    cutoff = serializers.CharField()
    gamma = serializers.FloatField()
    delta = serializers.FloatField()


class MineSetSerializer(serializers.Serializer[Any]):
    mine = serializers.CharField()
    element = serializers.CharField()
    is_unwanted = serializers.BooleanField()
    Gamma = serializers.FloatField(allow_null=True, help_text="Null for a box.")
    grades = GradesSerializer(many=True)


class GradeSetDetailSerializer(GradeSetSerializer):
    """With what plans take from it, where it came from, and what newer samples said of it (the newest fifty)."""

    sets = MineSetSerializer(many=True)
    coverage = CoverageSerializer()
    n_samples = serializers.IntegerField(help_text="All of the batches.")
    samples_sha256 = serializers.CharField(help_text="Of all samples of the batches, in whatever order.")
    code = serializers.DictField(child=serializers.CharField())
    is_newest = serializers.BooleanField()
    retests = RetestSerializer(many=True)

    class Meta(GradeSetSerializer.Meta):
        fields = [
            *GradeSetSerializer.Meta.fields,
            *["sets", "coverage", "n_samples", "samples_sha256", "code", "is_newest", "retests"],
        ]


class EvidenceSerializer(serializers.Serializer[Any]):
    """The evidence chain in words, and all of its numbers."""

    words = serializers.ListField(child=serializers.CharField())
    coverage = CoverageSerializer()
    code = serializers.DictField(child=serializers.CharField())
    samples_sha256 = serializers.CharField()
    n_samples = serializers.IntegerField()
    sets = serializers.ListField(child=serializers.DictField())


@extend_schema_field(OpenApiTypes.OBJECT)
class FigureField(serializers.JSONField):
    """A Plotly figure: `data` and `layout`."""


class PlacePlotSerializer(PlaceSerializer):
    low = serializers.FloatField()
    gamma = serializers.FloatField()
    delta = serializers.FloatField()
    high = serializers.FloatField()
    values = serializers.ListField(child=serializers.FloatField(), help_text="At most 500, evenly by rank.")


class FiguresSerializer(serializers.Serializer[Any]):
    figures = serializers.ListField(child=FigureField())
    places = PlacePlotSerializer(many=True)
