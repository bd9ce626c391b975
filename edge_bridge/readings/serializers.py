"""Shapes of trends, quality, lineage and retention over HTTP."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from rest_framework import serializers

from edge_bridge.models import ReadingRemoval, ReadingRetention, Series
from edge_bridge.protocol import MAX_NAME_CHARS
from edge_bridge.readings.downsampling import FEWEST, METHODS
from edge_bridge.readings.retention import LONGEST_DAYS
from edge_bridge.readings.trends import LEVELS, MOST_GAPS, MOST_SERIES, Asked, definition_of
from edge_bridge.rest.serializers import EARLIEST, SeriesSerializer

MOST_POINTS = 5000


class TrendSpanSerializer(serializers.Serializer[Any]):
    """`from` ≤ time < `to`; the day until now if nothing is said. `level` auto takes readings if they aren't too many.

    `method` thins readings: `extremes` keeps lowest and highest of each stretch, `lttb` the shape.
    """

    to = serializers.DateTimeField(required=False, source="until")
    points = serializers.IntegerField(required=False, default=1000, min_value=FEWEST, max_value=MOST_POINTS)
    method = serializers.ChoiceField(list(METHODS), required=False, default="extremes")
    level = serializers.ChoiceField(["auto", *LEVELS], required=False, default="auto")

    def get_fields(self) -> dict[str, serializers.Field]:
        return {"from": serializers.DateTimeField(required=False, source="since"), **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("until", datetime.now(UTC))
        attrs.setdefault("since", max(attrs["until"], EARLIEST + timedelta(days=1)) - timedelta(days=1))
        if attrs["since"] >= attrs["until"]:
            raise serializers.ValidationError({"from": "Give a time before 'to'."})
        return attrs

    def asked(self) -> Asked:
        names = ("since", "until", "points", "method", "level")
        return Asked(**{name: self.validated_data[name] for name in names})


class TrendsSpanSerializer(TrendSpanSerializer):
    """With the `series`, each once."""

    series = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MOST_SERIES)


class BandSerializer(serializers.Serializer[Any]):
    """The mean of `n` good readings and their extremes; for a single reading all three are its value."""

    at = serializers.DateTimeField()
    value = serializers.FloatField(allow_null=True)
    lowest = serializers.FloatField(allow_null=True)
    highest = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()


class MissingSpanSerializer(serializers.Serializer[Any]):
    """No reading in between. `reason`: silent, bad, or what the gateway said of readings it did not send."""

    from_at = serializers.DateTimeField()
    to_at = serializers.DateTimeField()
    reason = serializers.CharField()


class TrendSerializer(serializers.Serializer[Any]):
    """`level` says what the points were made from. `masked` are fields that the agreement hides; they are null."""

    series = serializers.UUIDField(source="series.pk")
    tag = serializers.CharField(source="series.tag", allow_null=True)
    unit = serializers.CharField(source="series.unit")
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    level = serializers.ChoiceField(["auto", *LEVELS])
    points = BandSerializer(many=True)
    missing = MissingSpanSerializer(many=True)
    missing_is_whole = serializers.BooleanField(help_text=f"False: there are more than these first {MOST_GAPS} gaps.")
    masked = serializers.ListField(child=serializers.CharField())


class TrendsSerializer(serializers.Serializer[Any]):
    """Points of every series lie at times of the one axis."""

    axis = serializers.ListField(child=serializers.DateTimeField())
    trends = TrendSerializer(many=True)


class DaySpanSerializer(serializers.Serializer[Any]):
    """Whole days (UTC) from `from` to `to`; the last seven if nothing is said."""

    to = serializers.DateField(required=False, source="last")

    def get_fields(self) -> dict[str, serializers.Field]:
        return {"from": serializers.DateField(required=False, source="first"), **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("last", datetime.now(UTC).date())
        attrs.setdefault("first", max(attrs["last"], date.min + timedelta(days=6)) - timedelta(days=6))
        if not EARLIEST.date() <= attrs["first"] <= attrs["last"] < date.max:
            raise serializers.ValidationError({"from": "Give a day up to 'to'."})
        return attrs


class WorstSerializer(serializers.Serializer[Any]):
    """The day is yesterday's if nothing is said."""

    day = serializers.DateField(required=False)
    site = serializers.UUIDField(required=False)
    limit = serializers.IntegerField(required=False, default=50, min_value=1, max_value=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("day", datetime.now(UTC).date() - timedelta(days=1))
        if not EARLIEST.date() + timedelta(days=8) <= attrs["day"] < date.max:
            raise serializers.ValidationError({"day": "Give a day of ours."})
        return attrs


class SensorDaySerializer(serializers.Serializer[Any]):
    """Shares from 0 to 1; `score` is their product and `worst` the lowest of them."""

    series = serializers.UUIDField(source="series.pk")
    equipment_code = serializers.CharField(source="series.equipment.code")
    tag = serializers.CharField(source="series.tag")
    day = serializers.DateField()
    score = serializers.FloatField(source="quality.score")
    worst = serializers.CharField(source="quality.worst")
    readings = serializers.IntegerField(source="quality.n")
    completeness = serializers.FloatField(source="quality.completeness")
    timeliness = serializers.FloatField(source="quality.timeliness")
    validity = serializers.FloatField(source="quality.validity")
    uniqueness = serializers.FloatField(source="quality.uniqueness")
    liveliness = serializers.FloatField(source="quality.liveliness")


class TagDefinitionSerializer(serializers.Serializer[Any]):
    """`lowest` to `highest` is plausible, in `unit` (UCUM); a `steady` quantity may keep its value for long."""

    tag = serializers.CharField()
    quantity = serializers.CharField()
    unit = serializers.CharField()
    lowest = serializers.FloatField()
    highest = serializers.FloatField()
    period_s = serializers.FloatField()
    steady = serializers.BooleanField()
    aliases = serializers.ListField(child=serializers.CharField())


class TagVerdictSerializer(serializers.Serializer[Any]):
    definition = TagDefinitionSerializer(allow_null=True)
    problems = serializers.ListField(child=serializers.CharField())
    suggestions = serializers.ListField(child=serializers.CharField())


class SeriesNameSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, max_length=MAX_NAME_CHARS, help_text="Part of a tag or a code.")


class CatalogueSerializer(SeriesSerializer):
    """A series as `equipment/{id}/series` has it, with where it is and what the dictionary says it measures."""

    site = serializers.UUIDField(source="site_id")
    equipment_code = serializers.CharField(source="equipment.code")
    quantity = serializers.SerializerMethodField()

    class Meta(SeriesSerializer.Meta):
        fields = [*SeriesSerializer.Meta.fields, "site", "equipment_code", "quantity"]

    def get_quantity(self, series: Series) -> str | None:
        definition = definition_of(series)
        return definition.quantity if definition else None


class UnknownTagSerializer(serializers.Serializer[Any]):
    series = serializers.UUIDField()
    equipment_code = serializers.CharField()
    tag = serializers.CharField()
    unit = serializers.CharField()
    verdict = TagVerdictSerializer()


class TagDictionarySerializer(serializers.Serializer[Any]):
    """`unknown`: tags of the organisation's own series of which something is wrong, each with one of those series."""

    definitions = TagDefinitionSerializer(many=True)
    unknown = UnknownTagSerializer(many=True)


class GatewaySourceSerializer(serializers.Serializer[Any]):
    edge = serializers.CharField()
    device = serializers.UUIDField()
    device_name = serializers.CharField()
    newest_at = serializers.DateTimeField()


class ReaderSerializer(serializers.Serializer[Any]):
    partner = serializers.UUIDField()
    partner_name = serializers.CharField()
    agreement = serializers.UUIDField()
    clause = serializers.UUIDField()
    purpose = serializers.CharField()
    delay_s = serializers.IntegerField()
    floor_n = serializers.IntegerField()
    field_mask = serializers.ListField(child=serializers.CharField())


class DaysSerializer(serializers.Serializer[Any]):
    """Readings, their minutes and their hours; a coarser one is kept at least as long as a finer one."""

    raw_days = serializers.IntegerField(source="raw", min_value=1, max_value=LONGEST_DAYS)
    minute_days = serializers.IntegerField(source="minute", min_value=1, max_value=LONGEST_DAYS)
    hour_days = serializers.IntegerField(source="hour", min_value=1, max_value=LONGEST_DAYS)


class LineageSerializer(serializers.Serializer[Any]):
    """Where a series comes from, what is made of it, and who may see it by which clause."""

    series = serializers.UUIDField(source="series.pk")
    tag = serializers.CharField(source="series.tag")
    unit = serializers.CharField(source="series.unit")
    equipment = serializers.UUIDField(source="series.equipment_id")
    site = serializers.UUIDField(source="series.site_id")
    verdict = TagVerdictSerializer()
    sources = GatewaySourceSerializer(many=True)
    rules = serializers.ListField(child=serializers.CharField())
    n_alarms = serializers.IntegerField()
    first_hour_at = serializers.DateTimeField(allow_null=True)
    kept = DaysSerializer()
    readers = ReaderSerializer(many=True)


class RetentionSerializer(serializers.ModelSerializer[ReadingRetention]):
    class Meta:
        model = ReadingRetention
        fields = ["raw_days", "minute_days", "hour_days"]
        extra_kwargs = {name: {"min_value": 1, "max_value": LONGEST_DAYS} for name in fields}


class RemovalSerializer(serializers.ModelSerializer[ReadingRemoval]):
    """`size_s` 0 is of readings, 60 of minutes, 3600 of hours."""

    class Meta:
        model = ReadingRemoval
        fields = ["size_s", "before_at", "n_removed", "removed_at"]


class RetentionStateSerializer(serializers.Serializer[Any]):
    """What holds now, and what was removed last."""

    kept = DaysSerializer()
    removals = RemovalSerializer(many=True)
