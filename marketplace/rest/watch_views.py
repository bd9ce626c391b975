"""How the rule of acceptance of a task stands, over HTTP."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.acceptance import Stand
from marketplace.watch.api import get_standing
from tenants.rest.base import ActorView


class StandingSerializer(serializers.Serializer[Any]):
    """`since_at`: from when on it stands so, null if nothing was read in the rule's time. Of the `for_h` hours that
    count, `covered_h` lie within the limits since then; `is_kept` if a submission would show the rule as kept."""

    stand = serializers.ChoiceField([(stand.value, stand.value) for stand in Stand])
    since_at = serializers.DateTimeField(allow_null=True)
    covered_h = serializers.FloatField()
    for_h = serializers.FloatField()
    is_kept = serializers.BooleanField()
    words = serializers.CharField()


class TaskStanding(ActorView):
    """For its owner, and for the firm while the work is its: whether stored readings keep the rule by now."""

    needs = {"GET": "view_tasks"}

    @extend_schema(responses={200: StandingSerializer, 204: None})
    def get(self, request: Request, task_id: UUID) -> Response:
        """204 if the task has no rule."""
        standing = get_standing(task_id)
        return Response(status=204) if standing is None else Response(StandingSerializer(standing.to_document()).data)
