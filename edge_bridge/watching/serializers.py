"""Shapes of what is watched across organisations. What a clause hides is null."""

from typing import Any

from rest_framework import serializers

from edge_bridge.alarms.serializers import AlarmSerializer
from edge_bridge.watching.fleet import MOST_DAYS
from edge_bridge.watching.gaps import MOST_DAYS as MOST_GAP_DAYS
from edge_bridge.watching.gaps import Missed
from edge_bridge.watching.oversight import MOST_HOURS, Speech


class DaysSerializer(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=1, max_value=MOST_DAYS, default=28)


class OverseenSerializer(serializers.Serializer[Any]):
    hours = serializers.IntegerField(min_value=1, max_value=MOST_HOURS, default=6)
    site = serializers.UUIDField(required=False, help_text="Only this mine.")


class GapsAskedSerializer(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=1, max_value=MOST_GAP_DAYS, default=7)
    site = serializers.UUIDField(required=False, help_text="Only this mine.")
    after = serializers.UUIDField(required=False, help_text="Only sensors behind this one, a `series`.")


class FleetMachineSerializer(serializers.Serializer[Any]):
    equipment = serializers.UUIDField()
    code = serializers.CharField(allow_null=True)
    kind = serializers.CharField(allow_null=True)
    site_name = serializers.CharField(allow_null=True)
    owner = serializers.UUIDField()
    owner_name = serializers.CharField(allow_null=True)
    counts = serializers.ListField(child=serializers.IntegerField(), help_text="Alarms on each of the days.")


class FleetFaultSerializer(serializers.Serializer[Any]):
    alarm_type = serializers.CharField()
    n = serializers.IntegerField()
    n_machines = serializers.IntegerField()
    through_frac = serializers.FloatField(help_text="The share of all alarms up to here.")


class FleetHealthSerializer(serializers.Serializer[Any]):
    days = serializers.ListField(child=serializers.DateField())
    machines = FleetMachineSerializer(many=True)
    faults = FleetFaultSerializer(many=True)
    is_whole = serializers.BooleanField(help_text="False: there are more alarms, or machines, than were looked at.")


class OpenGapSerializer(serializers.Serializer[Any]):
    from_at = serializers.DateTimeField()
    to_at = serializers.DateTimeField()
    reason = serializers.CharField()


class GuardSerializer(serializers.Serializer[Any]):
    rule = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(source="n")
    kind = serializers.CharField()
    alarm_type = serializers.CharField()
    limit = serializers.FloatField(allow_null=True, help_text="Null where it is hidden, or the kind has none.")
    clause = serializers.CharField()
    is_safety = serializers.BooleanField(help_text="About a hazard to people.")
    began_at = serializers.DateTimeField()
    begun_by = serializers.CharField()
    ended_at = serializers.DateTimeField(allow_null=True)
    ended_by = serializers.CharField()
    end_reason = serializers.CharField()


class WatchedSensorSerializer(serializers.Serializer[Any]):
    series = serializers.UUIDField(source="series.pk")
    equipment = serializers.UUIDField(source="series.equipment_id")
    equipment_code = serializers.CharField(source="series.equipment.code", allow_null=True)
    tag = serializers.CharField(source="series.tag", allow_null=True)
    unit = serializers.CharField(source="series.unit")
    value = serializers.FloatField(allow_null=True)
    measured_at = serializers.DateTimeField(allow_null=True)
    limits = serializers.DictField(
        child=serializers.FloatField(allow_null=True), help_text="By type of alarm, those in force."
    )
    guards = GuardSerializer(many=True, help_text="Limits of rules in force.")
    switched_off = GuardSerializer(many=True, help_text="Limits that were in force, and that no other one replaced.")
    speech = serializers.ChoiceField(
        choices=[str(each) for each in Speech],
        help_text="`unheard`: never; `untold`: what was heard is told later only.",
    )
    silent_s = serializers.FloatField(
        allow_null=True, help_text="Since the newest reading, of one that is silent and whose clock is not ahead."
    )
    is_ahead = serializers.BooleanField(help_text="The newest reading bears a time that has not come.")
    late_minutes = serializers.IntegerField(help_text="Minutes that were complete only long after.")
    gaps = OpenGapSerializer(many=True)


class MineSerializer(serializers.Serializer[Any]):
    site = serializers.UUIDField(source="site.pk")
    site_name = serializers.CharField(source="site.name", allow_null=True)
    owner = serializers.UUIDField()
    owner_name = serializers.CharField(allow_null=True)
    sensors = WatchedSensorSerializer(many=True)
    n_sensors = serializers.IntegerField(help_text="That are open here.")
    is_whole = serializers.BooleanField(help_text="False: of the sensors only those silent longest are shown.")
    alarms = AlarmSerializer(many=True)


class StretchOfGapsSerializer(serializers.Serializer[Any]):
    from_at = serializers.DateTimeField()
    to_at = serializers.DateTimeField(help_text="Of an open one: where readings go on, or now.")
    length_s = serializers.FloatField()
    state = serializers.ChoiceField(
        choices=[str(each) for each in Missed],
        help_text="`open`: nobody filled it; `late`: filled in long after; `bad`: of bad readings only.",
    )


class SensorLogSerializer(serializers.Serializer[Any]):
    series = serializers.UUIDField(source="series.pk")
    site = serializers.UUIDField(source="series.site_id")
    site_name = serializers.CharField(source="series.site.name", allow_null=True)
    owner_name = serializers.CharField(allow_null=True)
    equipment_code = serializers.CharField(source="series.equipment.code", allow_null=True)
    tag = serializers.CharField(source="series.tag", allow_null=True)
    known_since = serializers.DateTimeField(
        help_text="Nothing is known from before: no sensor was there, or its minutes are no longer kept."
    )
    stretches = StretchOfGapsSerializer(many=True)


class GapLogSerializer(serializers.Serializer[Any]):
    since = serializers.DateTimeField()
    sensors = SensorLogSerializer(many=True)
    next_after = serializers.UUIDField(allow_null=True)
