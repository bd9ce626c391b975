"""Reactions over HTTP: which are on, switching one, and what came of events."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.models import Reaction
from marketplace.reactions import actions, queries
from marketplace.rest.reaction_serializers import PutSwitchSerializer, ReactionSerializer, SwitchSerializer
from marketplace.rest.views import IF_MATCH
from tenants.rest.base import ActorView, ListView
from tenants.rest.preconditions import etag_of, refuse_changed, take_turns

CHANGED = "A reaction was switched since you read them; read them again and decide anew."


class SwitchList(ActorView):
    """Every reaction there is, each off until somebody switches it on; it then acts for them, with their rights."""

    needs = {"GET": "view_tasks", "PUT": "manage"}

    @extend_schema(operation_id="reaction_switches_list", responses=SwitchSerializer(many=True))
    def get(self, request: Request) -> Response:
        return _all_switches()

    @extend_schema(
        operation_id="reaction_switches_set",
        request=PutSwitchSerializer,
        responses=SwitchSerializer(many=True),
        parameters=[IF_MATCH],
    )
    def put(self, request: Request) -> Response:
        """Switch one, from the next event on; the answer has all of them, and so does its ETag."""
        take_turns(request)
        refuse_changed(request, _all_switches()["ETag"], CHANGED)
        form = PutSwitchSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data: dict[str, Any] = form.validated_data
        actions.set_reaction(reaction=data["reaction"], is_on=data["is_on"], site_id=data["site"])
        return _all_switches()


class ReactionList(ListView):
    """What came of events, newest first."""

    needs = {"GET": "view_tasks"}
    serializer_class = ReactionSerializer
    queryset = Reaction.objects.none()  # names the model to the schema's generator, which has no identity

    def get_queryset(self) -> QuerySet[Reaction]:
        return queries.reactions()


def _all_switches() -> Response:
    data = SwitchSerializer(queries.switches(), many=True).data
    return Response(data, headers={"ETag": etag_of(data)})
