"""Shapes of the counts of gateways over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rest_framework import serializers

from edge_bridge.protocol import Lane


class HoursSerializer(serializers.Serializer[Any]):
    """Hours that begin in `since` ≤ … < `until`, at most 31 days; the last day if nothing is said."""

    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("until", datetime.now(UTC))
        attrs.setdefault("since", max(attrs["until"], datetime(1, 1, 3, tzinfo=UTC)) - timedelta(days=1))
        return attrs


class HourOfLaneSerializer(serializers.Serializer[Any]):
    """`sent` numbers of a lane, and what became of them; of lane p1, too, what was `produced`, and `off_by`."""

    begins_at = serializers.DateTimeField()
    lane = serializers.ChoiceField([str(lane) for lane in Lane])
    sent = serializers.IntegerField()
    stored = serializers.IntegerField()
    quarantined = serializers.IntegerField(help_text="Set aside here, since they had no place.")
    filtered = serializers.IntegerField(help_text="Readings left out by deadband or swinging door.")
    thinned = serializers.IntegerField(help_text="Readings left out for want of disk.")
    refused = serializers.IntegerField(help_text="Readings that the gateway set aside, since they were refused here.")
    lost = serializers.IntegerField()
    produced = serializers.IntegerField(help_text="Readings taken from terminals, by heartbeats.")
    off_by = serializers.IntegerField(allow_null=True, help_text="0 if all balances; null while it can't be known.")


class BalanceSerializer(serializers.Serializer[Any]):
    device = serializers.UUIDField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    hours = HourOfLaneSerializer(many=True)
