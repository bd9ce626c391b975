"""Shapes of assignments over HTTP."""

from typing import Any

from rest_framework import serializers

from marketplace.crew.actions import REASON_CHARS
from marketplace.models import Assignment
from marketplace.rest.profile_serializers import PaperSerializer


class AssignmentSerializer(serializers.ModelSerializer[Assignment]):
    """`papers` are the certificates asked for, as they were when the person was assigned."""

    firm = serializers.UUIDField(source="tenant_id")
    task = serializers.UUIDField(source="task_id")
    papers = PaperSerializer(many=True)

    class Meta:
        model = Assignment
        fields = ["id", "task", "firm", "person_name", "papers", "from_at", "to_at", "assigned_at", "released_at"]


class PeopleSerializer(serializers.Serializer[Any]):
    people = AssignmentSerializer(many=True)


class AssignPersonSerializer(serializers.Serializer[Any]):
    """`need` is one of the task's needs, if it has any."""

    person = serializers.UUIDField()
    need = serializers.UUIDField(required=False, allow_null=True, default=None)
    from_at = serializers.DateTimeField()
    to_at = serializers.DateTimeField()


class ReleasePersonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=REASON_CHARS)
