"""What partners opened, watched as a whole: a maker's fleet, a supervisor's mines."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from edge_bridge.watching.fleet import fleet_health
from edge_bridge.watching.gaps import gap_log
from edge_bridge.watching.oversight import oversight
from edge_bridge.watching.serializers import (
    DaysSerializer,
    FleetHealthSerializer,
    GapLogSerializer,
    GapsAskedSerializer,
    MineSerializer,
    OverseenSerializer,
)
from tenants.rest.base import ActorView


class Fleet(ActorView):
    """Alarms of the machines that customers opened, by machine and day, and the faults that make most of them."""

    needs = {"GET": "view_alarms"}

    @extend_schema(parameters=[DaysSerializer], responses=FleetHealthSerializer)
    def get(self, request: Request) -> Response:
        return Response(FleetHealthSerializer(fleet_health(**_parsed(DaysSerializer, request))).data)


class Oversight(ActorView):
    """The mines that are open, each with its sensors, their limits, silence, gaps and late minutes, and its alarms."""

    needs = {"GET": "view_telemetry"}

    @extend_schema(operation_id="oversight_list", parameters=[OverseenSerializer], responses=MineSerializer(many=True))
    def get(self, request: Request) -> Response:
        asked = _parsed(OverseenSerializer, request)
        return Response(MineSerializer(oversight(hours=asked["hours"], site_id=asked.get("site")), many=True).data)


class OversightGaps(ActorView):
    """When readings of the sensors that are open were missing, came long after or were bad, and for how long.

    By the ids of sensors; go on with `after=<next_after>` until that is null.
    """

    needs = {"GET": "view_telemetry"}

    @extend_schema(parameters=[GapsAskedSerializer], responses=GapLogSerializer)
    def get(self, request: Request) -> Response:
        asked = _parsed(GapsAskedSerializer, request)
        log = gap_log(days=asked["days"], site_id=asked.get("site"), after=asked.get("after"))
        return Response(GapLogSerializer(log).data)


def _parsed(form_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    form = form_class(data=request.query_params)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)
