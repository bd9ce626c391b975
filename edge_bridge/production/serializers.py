"""Shapes of production over HTTP. Input serializers validate form; actions decide."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from edge_bridge.models import ShiftHandover, ShiftRow, StopCorrection
from edge_bridge.models.production import MAX_CORRECTION_CHARS, MAX_NOTES_CHARS, MAX_SHIFT_NAME_CHARS
from edge_bridge.production.figures import Cause, Figures
from edge_bridge.production.handovers import cause_text, figures_text
from edge_bridge.production.intervals import Interval
from edge_bridge.production.shifts import MOST_SHIFTS
from edge_bridge.production.time_model import OF_STOPS, Category
from edge_bridge.protocol.machine import MachineState, StopReason
from tenants.rest.masked import MaskedSerializer, nullable

CATEGORIES = [str(category) for category in Category]
STOP_CATEGORIES = sorted(str(category) for category in OF_STOPS)
STATES = [state.name.lower() for state in MachineState]
STOP_REASONS = [reason.name.lower() for reason in StopReason]


class SpanOfDaySerializer(serializers.Serializer[Any]):
    """A production day of the site, today's if none is named, or one shift of it by its name."""

    day = serializers.DateField(required=False, default=None, allow_null=True)
    shift = serializers.CharField(required=False, default="", max_length=MAX_SHIFT_NAME_CHARS)


class ProductionFiguresSerializer(serializers.Serializer[Any]):
    """Shares (`…_frac`) are of scheduled time of which something is known; null where there is none."""

    time_s = serializers.DictField(child=serializers.FloatField(), help_text="By category; they add up to calendar_s.")
    calendar_s = serializers.FloatField()
    n_down = serializers.IntegerField(help_text="Stops for maintenance that began in the span.")
    n_failures = serializers.IntegerField()
    n_loads = serializers.IntegerField()
    n_weighed = serializers.IntegerField(help_text="Of these have a payload.")
    hauled_t = serializers.FloatField()
    n_cycles = serializers.IntegerField()
    planned_t = serializers.FloatField()
    planned_operating_t = serializers.FloatField()
    of_planned_t = serializers.FloatField(help_text="What machines with a planned rate hauled.")
    availability_frac = serializers.FloatField(allow_null=True)
    use_of_availability_frac = serializers.FloatField(allow_null=True)
    utilisation_frac = serializers.FloatField(allow_null=True)
    operating_efficiency_frac = serializers.FloatField(allow_null=True)
    performance_frac = serializers.FloatField(allow_null=True)
    oee_frac = serializers.FloatField(allow_null=True)
    t_per_operating_h = serializers.FloatField(allow_null=True)
    mean_cycle_s = serializers.FloatField(allow_null=True)
    mtbs_h = serializers.FloatField(allow_null=True)
    mttr_h = serializers.FloatField(allow_null=True)

    def to_representation(self, instance: Figures) -> dict[str, Any]:
        return figures_text(instance)


class ProductionHourSerializer(serializers.Serializer[Any]):
    begins_at = serializers.DateTimeField()
    figures = ProductionFiguresSerializer()

    def to_representation(self, instance: tuple[datetime, Figures]) -> dict[str, Any]:
        return {"begins_at": instance[0], "figures": figures_text(instance[1])}


class StretchSerializer(serializers.Serializer[Any]):
    begins_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    time_category = serializers.ChoiceField(CATEGORIES)
    state = serializers.ChoiceField(STATES, allow_null=True)
    stop_reason = serializers.ChoiceField(STOP_REASONS)

    def to_representation(self, instance: Interval) -> dict[str, Any]:
        return {
            "begins_at": instance.begins_at,
            "ends_at": instance.ends_at,
            "time_category": str(instance.category),
            "state": instance.state and instance.state.name.lower(),
            "stop_reason": instance.stop_reason.name.lower(),
        }


class CauseSerializer(serializers.Serializer[Any]):
    time_category = serializers.ChoiceField(CATEGORIES)
    state = serializers.ChoiceField(STATES, allow_null=True)
    stop_reason = serializers.ChoiceField(STOP_REASONS)
    duration_s = serializers.FloatField()
    n = serializers.IntegerField()
    through_frac = serializers.FloatField(help_text="Share of it and of all longer ones.")

    def to_representation(self, instance: Cause) -> dict[str, Any]:
        return cause_text(instance)


class MachineFiguresSerializer(serializers.Serializer[Any]):
    """`masked`: fields of its loads and its rate that the agreement hides; without them there are no tonnes."""

    equipment = serializers.UUIDField(source="equipment.pk")
    code = serializers.CharField(source="equipment.code")
    figures = ProductionFiguresSerializer()
    masked = serializers.ListField(child=serializers.CharField())


class ProductionSerializer(serializers.Serializer[Any]):
    """A site's day or shift: all machines together, each of them, hour by hour, and why they stood."""

    site = serializers.UUIDField(source="span.site.pk")
    day = serializers.DateField(source="span.day")
    shift = serializers.CharField(source="span.shift")
    since = serializers.DateTimeField(source="span.since")
    until = serializers.DateTimeField(source="span.until")
    figures = ProductionFiguresSerializer()
    machines = MachineFiguresSerializer(many=True)
    hours = ProductionHourSerializer(many=True)
    causes = CauseSerializer(many=True)


class MachineProductionSerializer(MachineFiguresSerializer):
    """One machine's day or shift, with every stretch of its time."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    hours = ProductionHourSerializer(many=True)
    stretches = StretchSerializer(many=True)


class ShiftSerializer(serializers.ModelSerializer[ShiftRow]):
    """`ends` not later than `begins` is the next day's. `weekdays`: 0 is Monday, when the shift begins."""

    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6), min_length=1, max_length=7, required=False
    )

    class Meta:
        model = ShiftRow
        fields = ["name", "begins", "ends", "weekdays"]


class ShiftsSerializer(serializers.Serializer[Any]):
    """In order; the production day begins with the first. None: the usual ones hold, from 06:00 and from 18:00."""

    shifts = ShiftSerializer(many=True, max_length=MOST_SHIFTS)


class PlannedRateSerializer(serializers.Serializer[Any]):
    t_per_h = serializers.FloatField(min_value=1e-6, max_value=100_000, allow_null=True)


class CorrectionSerializer(MaskedSerializer[StopCorrection]):
    """What a stop was. An empty category withdraws what was said of the span."""

    equipment = serializers.UUIDField(source="equipment_id", read_only=True)
    time_category = serializers.ChoiceField(STOP_CATEGORIES, allow_blank=True, source="category")
    reason = serializers.CharField(max_length=MAX_CORRECTION_CHARS)
    made_by = serializers.UUIDField(source="made_by_id", allow_null=True, read_only=True)

    class Meta:
        model = StopCorrection
        fields = ["id", "equipment", "begins_at", "ends_at", "time_category", "reason", "made_by", "made_at", "masked"]
        read_only_fields = ["made_at"]
        extra_kwargs = nullable(StopCorrection, "reason")


class HandoverSerializer(serializers.ModelSerializer[ShiftHandover]):
    site = serializers.UUIDField(source="site_id")
    drafted_by = serializers.UUIDField(source="drafted_by_id", allow_null=True)
    outgoing = serializers.UUIDField(source="outgoing_id", allow_null=True)
    incoming = serializers.UUIDField(source="incoming_id", allow_null=True)

    class Meta:
        model = ShiftHandover
        fields = [
            *["id", "site", "shift", "begins_at", "ends_at", "said", "notes", "drafted_by", "drafted_at"],
            *["outgoing", "outgoing_at", "incoming", "incoming_at"],
        ]


class HandoverDraftSerializer(serializers.Serializer[Any]):
    shift = serializers.CharField(max_length=MAX_SHIFT_NAME_CHARS)
    day = serializers.DateField(required=False, default=None, allow_null=True)
    notes = serializers.CharField(max_length=MAX_NOTES_CHARS, required=False, default="", allow_blank=True)
