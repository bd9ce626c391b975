"""Series and devices over HTTP: parse, one action or query, render."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from edge_bridge import access, actions, queries
from edge_bridge.models import Device, Quality, Series
from edge_bridge.rest.serializers import (
    BucketSpanSerializer,
    DeviceDetailSerializer,
    DeviceSerializer,
    NewDeviceSerializer,
    ReadingsSerializer,
    SeriesSerializer,
    SpanSerializer,
    SummarySerializer,
    cursor_after,
)
from edge_bridge.summaries import summary
from tenants.api import get_equipment, get_site
from tenants.rest.base import ActorView, ListView


class SeriesList(ListView):
    """The tags of one machine with their newest values."""

    needs = {"GET": "view_telemetry"}
    serializer_class = SeriesSerializer
    queryset = Series.objects.none()

    def get_queryset(self) -> QuerySet[Series]:
        return queries.series_of(get_equipment(self.kwargs["equipment_id"], needs="view_telemetry"))


class ReadingList(ActorView):
    needs = {"GET": "view_telemetry"}

    @extend_schema(parameters=[SpanSerializer], responses=ReadingsSerializer)
    def get(self, request: Request, series_id: UUID) -> Response:
        span = _parsed(SpanSerializer, request.query_params)
        series = access.get_series(series_id)
        limit = span.pop("limit")
        found = list(queries.readings(series, **span, limit=limit + 1))
        rows = found[:limit]
        shown = [
            {"measured_at": row.measured_at, "value": row.value, "quality": Quality(row.quality).label} for row in rows
        ]
        body = {"series": series.pk, "unit": series.unit, "more": len(found) > limit, "readings": shown}
        body["next"] = cursor_after([row.measured_at for row in rows], span) if body["more"] else None
        body["masked"] = list(rows[0].masked) if rows else []
        return Response(ReadingsSerializer(body).data)


class SeriesSummary(ActorView):
    """Counts and means by the hour, or by another span of time."""

    needs = {"GET": "view_telemetry"}

    @extend_schema(parameters=[BucketSpanSerializer], responses=SummarySerializer)
    def get(self, request: Request, series_id: UUID) -> Response:
        span = _parsed(BucketSpanSerializer, request.query_params)
        series = access.get_series(series_id)
        found = asdict(summary(series, **span))
        return Response(SummarySerializer({"series": series.pk, "unit": series.unit, **found}).data)


class DeviceList(ListView):
    needs = {"GET": "manage", "POST": "manage"}
    serializer_class = DeviceSerializer
    queryset = Device.objects.none()

    def get_queryset(self) -> QuerySet[Device]:
        return queries.devices()

    @extend_schema(request=DeviceSerializer, responses={201: NewDeviceSerializer})
    def post(self, request: Request) -> Response:
        data = self.parsed(request)
        site = get_site(data["site_id"], needs="manage")
        device, secret = actions.enrol_device(site=site, name=data["name"])
        shown = NewDeviceSerializer(device).data | {"credential": f"{device.pk}.{secret}"}
        return Response(shown, status=201)


class DeviceDetail(ActorView):
    needs = {"GET": "manage"}

    @extend_schema(responses=DeviceDetailSerializer)
    def get(self, request: Request, device_id: UUID) -> Response:
        device = access.get_device(device_id)
        device.newest_streams = queries.streams(device)
        return Response(DeviceDetailSerializer(device).data)


class DeviceRevoke(ActorView):
    needs = {"POST": "manage"}

    @extend_schema(request=None, responses=DeviceSerializer)
    def post(self, request: Request, device_id: UUID) -> Response:
        device = access.get_device(device_id)
        actions.revoke_device(device=device)
        return Response(DeviceSerializer(device).data)


def _parsed(form: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    bound = form(data=data)
    bound.is_valid(raise_exception=True)
    return dict(bound.validated_data)
