"""Shapes of reactions over HTTP."""

from typing import Any

from rest_framework import serializers

from marketplace.models import Reaction
from marketplace.reactions.data import RULES


class SwitchSerializer(serializers.Serializer[Any]):
    """`site`: what it is narrowed down to; where `needs_site`, what its tasks are about."""

    reaction = serializers.ChoiceField([(name, name) for name in RULES])
    on_event = serializers.CharField()
    words = serializers.CharField()
    needs_site = serializers.BooleanField()
    is_on = serializers.BooleanField()
    site = serializers.UUIDField(allow_null=True)
    site_name = serializers.CharField(allow_null=True)
    set_at = serializers.DateTimeField(allow_null=True)
    set_by = serializers.CharField(allow_null=True)


class PutSwitchSerializer(serializers.Serializer[Any]):
    reaction = serializers.ChoiceField([(name, name) for name in RULES])
    is_on = serializers.BooleanField()
    site = serializers.UUIDField(required=False, allow_null=True, default=None)


class ReactionSerializer(serializers.ModelSerializer[Reaction]):
    """`subject`: the alarm, plan, set of grades or task; `task`: the one made or found, null for none."""

    subject = serializers.UUIDField(source="subject_id")
    task = serializers.UUIDField(source="task_id", allow_null=True)

    class Meta:
        model = Reaction
        fields = ["id", "reaction", "subject", "task", "outcome", "words", "happened_at", "reacted_at"]
