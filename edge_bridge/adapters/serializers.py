"""Answers of the adapters."""

from typing import Any

from rest_framework import serializers

from edge_bridge.adapters.data import Weight
from edge_bridge.adapters.tongues import CHECKED, OWN


class FindingSerializer(serializers.Serializer[Any]):
    """What is wrong, where, what to do, and which clause of the format says so (empty: a rule of this system)."""

    pointer = serializers.CharField()
    weight = serializers.ChoiceField([weight.value for weight in Weight])
    message = serializers.CharField()
    advice = serializers.CharField()
    clause = serializers.CharField()


class TakenMessageSerializer(serializers.Serializer[Any]):
    """`readings` = `stored` + `known` (there already) + `set_aside` (no such equipment at the site, see its reason)."""

    readings = serializers.IntegerField()
    stored = serializers.IntegerField()
    known = serializers.IntegerField()
    set_aside = serializers.IntegerField()
    findings = FindingSerializer(many=True)


class ProtocolSerializer(serializers.Serializer[Any]):
    protocol = serializers.ChoiceField(list(CHECKED), required=False, default=OWN)


class ConformanceSerializer(serializers.Serializer[Any]):
    """`conforms`: it would be taken; warnings and notes stand even then. At most a hundred findings are listed."""

    protocol = serializers.ChoiceField(list(CHECKED))
    conforms = serializers.BooleanField()
    readings = serializers.IntegerField()
    errors = serializers.IntegerField()
    warnings = serializers.IntegerField()
    notes = serializers.IntegerField()
    findings = FindingSerializer(many=True)


class FleetPageSerializer(serializers.Serializer[Any]):
    page = serializers.IntegerField(required=False, default=1, min_value=1, max_value=100_000)


class _LinkSerializer(serializers.Serializer[Any]):
    rel = serializers.CharField()
    href = serializers.CharField()


class FleetSerializer(serializers.Serializer[Any]):
    """A snapshot of ISO/TS 15143-3; each machine has an `EquipmentHeader` and an object for each thing measured."""

    version = serializers.CharField()
    snapshotTime = serializers.DateTimeField()
    Links = _LinkSerializer(many=True)
    Equipment = serializers.ListField(child=serializers.DictField())
