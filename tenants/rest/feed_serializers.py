from typing import Any, Final

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from tenants.feed.filters import MOST_VALUES
from tenants.feed.frames import MAX_SEQ
from tenants.feed.log import PAGE

LONGEST_WAIT_S: Final = 55
CRITERIA: Final = ("kinds", "sites", "equipment", "severities")


class TicketSerializer(serializers.Serializer):
    ticket = serializers.CharField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True)


class FilterSerializer(serializers.Serializer):
    """Every criterion that is given has to fit; of its values one is enough."""

    kinds = serializers.ListField(
        child=serializers.CharField(max_length=60),
        max_length=MOST_VALUES,
        required=False,
        help_text="Their beginnings.",
    )
    sites = serializers.ListField(child=serializers.UUIDField(), max_length=MOST_VALUES, required=False)
    equipment = serializers.ListField(child=serializers.UUIDField(), max_length=MOST_VALUES, required=False)
    severities = serializers.ListField(
        child=serializers.CharField(max_length=20), max_length=MOST_VALUES, required=False
    )

    def to_internal_value(self, data: Any) -> Any:
        """As JSON values: they are kept as they came."""
        return {
            name: [str(each) for each in value] if name in CRITERIA else value
            for name, value in super().to_internal_value(data).items()
        }


class CursorSerializer(FilterSerializer):
    """A cursor into the log, and what is asked for of what follows it."""

    after = serializers.IntegerField(
        min_value=0, max_value=MAX_SEQ, required=False, help_text="The last sequence number you have; without it, head."
    )
    epoch = serializers.UUIDField(
        required=False, help_text="The epoch that `after` belongs to; leave it out only in a first request."
    )
    limit = serializers.IntegerField(min_value=1, max_value=PAGE, default=PAGE)
    wait_s = serializers.FloatField(
        min_value=0,
        max_value=LONGEST_WAIT_S,
        default=0,
        help_text="How long to wait for news, seconds.",
    )


class EvSerializer(serializers.Serializer):
    t = serializers.ChoiceField(["ev"])
    seq = serializers.IntegerField()
    prev = serializers.IntegerField()
    kind = serializers.CharField()
    body = serializers.DictField()
    site = serializers.UUIDField(allow_null=True)
    equipment = serializers.UUIDField(allow_null=True)
    author = serializers.UUIDField()
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()


class SkipSerializer(serializers.Serializer):
    t = serializers.ChoiceField(["skip"])
    prev = serializers.IntegerField()
    to = serializers.IntegerField()


LINK = PolymorphicProxySerializer(
    component_name="FeedLink", serializers={"ev": EvSerializer, "skip": SkipSerializer}, resource_type_field_name="t"
)


@extend_schema_field(LINK)
class LinkField(serializers.DictField):
    """A frame of the feed's closed set, as `tenants.feed.frames` made it."""


class HeadSerializer(serializers.Serializer):
    epoch = serializers.UUIDField()
    head = serializers.IntegerField()
    min_seq = serializers.IntegerField()


class PageSerializer(HeadSerializer):
    feed = serializers.UUIDField()
    cursor = serializers.IntegerField(help_text="Ask on with after=cursor.")
    frames = serializers.ListField(child=LinkField())


class FeedSnapshotSerializer(HeadSerializer):
    """The state as it was at `head`: by family `{items, is_whole}`, items as the bodies of their events are."""

    feed = serializers.UUIDField()
    snapshot = serializers.DictField()


class StaleCursorSerializer(HeadSerializer):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    reason = serializers.ChoiceField(["another_epoch", "above_head", "below_min_seq"])
