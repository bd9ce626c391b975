"""Counts of gateways over HTTP: parse, one query, render."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from edge_bridge.access import get_device
from edge_bridge.counts.queries import HourOfLane, balance_of
from edge_bridge.counts.serializers import BalanceSerializer, HoursSerializer
from edge_bridge.counts.table import as_csv
from tenants.rest.base import ActorView
from tenants.rest.files import CSV, FileView, answers, file_answer


class DeviceBalance(ActorView):
    """Hour by hour and lane by lane: what an own gateway sent, and what became of it."""

    needs = {"GET": "view_alarms"}

    @extend_schema(parameters=[HoursSerializer], responses=BalanceSerializer)
    def get(self, request: Request, device_id: UUID) -> Response:
        span = _span(request)
        return Response(BalanceSerializer({"device": device_id, **span, "hours": _hours(device_id, span)}).data)


class DeviceBalanceCsv(FileView):
    """The same as a table."""

    needs = {"GET": "view_alarms"}

    @extend_schema(parameters=[HoursSerializer], responses=answers(CSV))
    def get(self, request: Request, device_id: UUID) -> HttpResponse:
        return file_answer(as_csv(_hours(device_id, _span(request))), CSV, "balance.csv")


def _hours(device_id: UUID, span: dict[str, Any]) -> list[HourOfLane]:
    return balance_of(get_device(device_id, needs="view_alarms"), **span)


def _span(request: Request) -> dict[str, Any]:
    form = HoursSerializer(data=request.query_params)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)
