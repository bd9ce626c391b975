"""Readings made useful, over HTTP: parse, one action or query, render."""

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from edge_bridge.access import get_series
from edge_bridge.models import Series
from edge_bridge.readings import catalogue, daily, retention
from edge_bridge.readings.serializers import (
    CatalogueSerializer,
    DaySpanSerializer,
    LineageSerializer,
    RetentionSerializer,
    RetentionStateSerializer,
    SensorDaySerializer,
    SeriesNameSerializer,
    TagDictionarySerializer,
    TrendSerializer,
    TrendSpanSerializer,
    TrendsSerializer,
    TrendsSpanSerializer,
    WorstSerializer,
)
from edge_bridge.readings.tags import definitions
from edge_bridge.readings.trends import as_csv_rows, trend, trends
from tenants.api import actor, get_site
from tenants.resources.sheets import written
from tenants.rest.base import ActorView, ListView
from tenants.rest.files import CSV, FileView, answers, file_answer

CSV_COLUMNS = ("at", "value", "lowest", "highest", "n", "gap")
Form = TypeVar("Form", bound=Serializer[Any])


class SeriesCatalogue(ListView):
    """All own series, each with what it measures, where, and its newest reading."""

    needs = {"GET": "view_telemetry"}
    serializer_class = CatalogueSerializer
    queryset = Series.objects.none()

    def get_queryset(self) -> QuerySet[Series]:
        return catalogue.own_series(**_form(SeriesNameSerializer, self.request).validated_data)

    @extend_schema(parameters=[SeriesNameSerializer], responses=CatalogueSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)


class SeriesTrend(ActorView):
    """A series over time with at most so many points, its peaks kept and its gaps named."""

    needs = {"GET": "view_telemetry"}

    @extend_schema(parameters=[TrendSpanSerializer], responses=TrendSerializer)
    def get(self, request: Request, series_id: UUID) -> Response:
        asked = _form(TrendSpanSerializer, request).asked()
        return Response(TrendSerializer(trend(get_series(series_id), asked)).data)


class SeriesTrendCsv(FileView):
    needs = {"GET": "view_telemetry"}

    @extend_schema(parameters=[TrendSpanSerializer], responses=answers(CSV))
    def get(self, request: Request, series_id: UUID) -> HttpResponse:
        """The same as a table; where a gap begins a line says why, and `more` that later ones are not told."""
        asked = _form(TrendSpanSerializer, request).asked()
        rows = as_csv_rows(trend(get_series(series_id), asked))
        return file_answer(written(CSV_COLUMNS, rows), CSV, "trend.csv")


class TrendList(ActorView):
    """Several series on one axis of time."""

    needs = {"GET": "view_telemetry"}

    @extend_schema(parameters=[TrendsSpanSerializer], responses=TrendsSerializer)
    def get(self, request: Request) -> Response:
        form = _form(TrendsSpanSerializer, request)
        several = [get_series(series_id) for series_id in dict.fromkeys(form.validated_data["series"])]
        axis, found = trends(several, form.asked())
        return Response(TrendsSerializer({"axis": axis, "trends": found}).data)


class SeriesQuality(ActorView):
    """How good an own sensor's readings were, day by day."""

    needs = {"GET": "view_telemetry"}

    @extend_schema(parameters=[DaySpanSerializer], responses=SensorDaySerializer(many=True))
    def get(self, request: Request, series_id: UUID) -> Response:
        days = _form(DaySpanSerializer, request).validated_data
        found = daily.quality_by_day(get_series(series_id), first=days["first"], last=days["last"])
        return Response(SensorDaySerializer(found, many=True).data)


class ReadingQuality(ActorView):
    """The own sensors with the worst readings of a day."""

    needs = {"GET": "view_telemetry"}

    @extend_schema(parameters=[WorstSerializer], responses=SensorDaySerializer(many=True))
    def get(self, request: Request) -> Response:
        said = _form(WorstSerializer, request).validated_data
        site = get_site(said["site"], needs="view_telemetry") if "site" in said else None
        found = daily.worst(said["day"], site=site, limit=said["limit"])
        return Response(SensorDaySerializer(found, many=True).data)


class SeriesLineage(ActorView):
    needs = {"GET": "view_telemetry"}

    @extend_schema(responses=LineageSerializer)
    def get(self, request: Request, series_id: UUID) -> Response:
        """Where an own series comes from, what is made of it, and who may see it."""
        return Response(LineageSerializer(catalogue.lineage(get_series(series_id))).data)


class TagDictionary(ActorView):
    needs = {"GET": "view_telemetry"}

    @extend_schema(responses=TagDictionarySerializer)
    def get(self, request: Request) -> Response:
        """What tags mean, and which of the organisation's own are not understood."""
        unknown = [
            {
                "series": series.pk,
                "equipment_code": series.equipment.code,
                "tag": series.tag,
                "unit": series.unit,
                "verdict": verdict,
            }
            for series, verdict in catalogue.unknown_tags()
        ]
        return Response(TagDictionarySerializer({"definitions": definitions(), "unknown": unknown}).data)


class ReadingRetentionDetail(ActorView):
    """For how many days readings are kept, and what was removed because its time was over."""

    needs = {"GET": "view_telemetry", "PUT": "manage"}

    @extend_schema(responses=RetentionStateSerializer)
    def get(self, request: Request) -> Response:
        return _retention()

    @extend_schema(request=RetentionSerializer, responses=RetentionStateSerializer)
    def put(self, request: Request) -> Response:
        form = RetentionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        retention.set_retention(**form.validated_data)
        return _retention()


def _retention() -> Response:
    state = {"kept": retention.days_of(actor().tenant_id), "removals": retention.removals()}
    return Response(RetentionStateSerializer(state).data)


def _form(kind: type[Form], request: Request) -> Form:
    form = kind(data=request.query_params)
    form.is_valid(raise_exception=True)
    return form
