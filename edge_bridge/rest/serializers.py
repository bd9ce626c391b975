"""Shapes of readings and devices over HTTP. Input serializers validate form; actions decide."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from edge_bridge.models import Device, Latest, Quality, Series, Watermark
from edge_bridge.summaries import SIZES_S
from tenants.rest.masked import MaskedSerializer, nullable

MAX_READINGS = 10_000
CURSOR = r"^[0-9T:.-]{19,40}Z~[0-9]{1,9}$"
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)  # an hour before it can still be told


class LatestSerializer(MaskedSerializer[Latest]):
    quality = serializers.ChoiceField(Quality.labels, source="get_quality_display")

    class Meta:
        model = Latest
        fields = ["measured_at", "value", "quality", "masked"]
        extra_kwargs = nullable(Latest, "value")


class SeriesSerializer(MaskedSerializer[Series]):
    equipment = serializers.UUIDField(source="equipment_id")
    latest = serializers.SerializerMethodField()

    class Meta:
        model = Series
        fields = ["id", "equipment", "tag", "unit", "latest", "masked"]
        extra_kwargs = nullable(Series, "tag")

    @extend_schema_field(LatestSerializer(allow_null=True))
    def get_latest(self, series: Series) -> dict[str, Any] | None:
        newest = next(iter(series.latest.all()), None)
        return LatestSerializer(newest).data if newest else None


class SpanSerializer(serializers.Serializer[Any]):
    """`from` ≤ measured_at < `to`; the hour until now if nothing is said.

    `after` is the `next` of the page before, and takes the place of `from`.
    """

    after = serializers.RegexField(CURSOR, required=False, max_length=60)
    to = serializers.DateTimeField(required=False, source="until")
    limit = serializers.IntegerField(required=False, default=1000, min_value=1, max_value=MAX_READINGS)

    def get_fields(self) -> dict[str, serializers.Field]:
        return {"from": serializers.DateTimeField(required=False, source="since"), **super().get_fields()}

    def validate_after(self, cursor: str) -> tuple[datetime, int]:
        """The last time of the page before, and how many readings of it were told."""
        moment, _, n_told = cursor.partition("~")
        try:
            return datetime.fromisoformat(moment), int(n_told)
        except ValueError:
            raise serializers.ValidationError("This is no `next` of a page.") from None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("until", datetime.now(UTC))
        attrs.setdefault("since", max(attrs["until"], EARLIEST) - timedelta(hours=1))
        if "after" in attrs:
            attrs["since"], attrs["skip"] = attrs.pop("after")
        if attrs["since"] >= attrs["until"]:
            raise serializers.ValidationError({"from": "Give a time before 'to'."})
        return attrs


class ReadingSerializer(serializers.Serializer[Any]):
    measured_at = serializers.DateTimeField()
    value = serializers.FloatField(allow_null=True)
    quality = serializers.ChoiceField(Quality.labels)


def cursor_after(times: Sequence[datetime], span: dict[str, Any]) -> str:
    """Behind a page of readings of `span`, in which several may have one time, also one that begins in between."""
    last = times[-1]
    n_before = span.get("skip", 0) if last == span["since"] else 0
    return f"{last.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}~{n_before + times.count(last)}"


class ReadingsSerializer(serializers.Serializer[Any]):
    """Oldest first. If `more`, the span holds more than `limit`: ask again with `after` as `next` says.

    `masked` are the fields of the readings that the agreement hides; they are null.
    """

    series = serializers.UUIDField()
    unit = serializers.CharField()
    more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True, help_text="For `after`; null on the last page.")
    masked = serializers.ListField(child=serializers.CharField())
    readings = ReadingSerializer(many=True)


class BucketSpanSerializer(serializers.Serializer[Any]):
    """Whole buckets from `since` to `until`; the last day's if nothing is said."""

    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    bucket_s = serializers.ChoiceField(SIZES_S, required=False, default=3600)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("until", datetime.now(UTC))
        attrs.setdefault("since", max(attrs["until"], EARLIEST + timedelta(days=1)) - timedelta(days=1))
        if attrs["since"] >= attrs["until"]:
            raise serializers.ValidationError({"since": "Give a time before 'until'."})
        return attrs


class BucketSerializer(serializers.Serializer[Any]):
    """Figures over good readings; all null where there are too few to be told."""

    begins_at = serializers.DateTimeField()
    count = serializers.IntegerField(allow_null=True)
    mean = serializers.FloatField(allow_null=True)
    min = serializers.FloatField(allow_null=True)
    max = serializers.FloatField(allow_null=True)


class SummarySerializer(serializers.Serializer[Any]):
    """Buckets without a good reading are left out. With `floor_n` > 0 figures over fewer readings are not told."""

    series = serializers.UUIDField()
    unit = serializers.CharField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    bucket_s = serializers.IntegerField()
    floor_n = serializers.IntegerField()
    buckets = BucketSerializer(many=True)


class StreamSerializer(serializers.ModelSerializer[Watermark]):
    class Meta:
        model = Watermark
        fields = ["edge", "boot", "lane", "through", "stored", "quarantined", "missing", "updated_at"]


class DeviceSerializer(serializers.ModelSerializer[Device]):
    site = serializers.UUIDField(source="site_id")

    class Meta:
        model = Device
        fields = ["id", "site", "name", "created_at", "revoked_at", "last_seen_at", "trespass"]
        read_only_fields = ["created_at", "revoked_at", "last_seen_at", "trespass"]


class DeviceDetailSerializer(DeviceSerializer):
    """With the streams it brought: what is stored, set aside, and said to be missing."""

    streams = StreamSerializer(many=True, source="newest_streams")

    class Meta(DeviceSerializer.Meta):
        fields = [*DeviceSerializer.Meta.fields, "streams"]


class NewDeviceSerializer(DeviceSerializer):
    """The credential is shown only in this answer; the gateway sends it as `Authorization: Device <credential>`."""

    credential = serializers.CharField(read_only=True)

    class Meta(DeviceSerializer.Meta):
        fields = [*DeviceSerializer.Meta.fields, "credential"]
