"""Production over HTTP: parse, one action or query, render."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from edge_bridge.models import ShiftHandover, StopCorrection
from edge_bridge.production import actions, queries
from edge_bridge.production.access import get_handover
from edge_bridge.production.intervals import clipped
from edge_bridge.production.serializers import (
    CorrectionSerializer,
    HandoverDraftSerializer,
    HandoverSerializer,
    MachineProductionSerializer,
    PlannedRateSerializer,
    ProductionSerializer,
    ShiftsSerializer,
    SpanOfDaySerializer,
)
from edge_bridge.production.shifts import EVERY_DAY, ShiftRule
from edge_bridge.production.table import as_csv
from tenants.api import get_equipment, get_site
from tenants.rest.base import ActorView, ListView
from tenants.rest.files import CSV, FileView, answers, file_answer


class SiteProduction(ActorView):
    """A day or a shift of a site: time by category, availability, tonnes, hour by hour, and why machines stood."""

    needs = {"GET": "view_production"}

    @extend_schema(parameters=[SpanOfDaySerializer], responses=ProductionSerializer)
    def get(self, request: Request, site_id: UUID) -> Response:
        return Response(ProductionSerializer(_report(request, site_id)).data)


class SiteProductionCsv(FileView):
    """A line for each machine and hour."""

    needs = {"GET": "view_production"}

    @extend_schema(parameters=[SpanOfDaySerializer], responses=answers(CSV))
    def get(self, request: Request, site_id: UUID) -> HttpResponse:
        return file_answer(as_csv(_report(request, site_id)), CSV, "production.csv")


class MachineProduction(ActorView):
    """A day or a shift of one machine where it stands now."""

    needs = {"GET": "view_production"}

    @extend_schema(parameters=[SpanOfDaySerializer], responses=MachineProductionSerializer)
    def get(self, request: Request, equipment_id: UUID) -> Response:
        machine = get_equipment(equipment_id, needs="view_production")
        span = queries.span_of(machine.site, **_parsed(SpanOfDaySerializer, request.query_params))
        (found,) = queries.report(span, [machine]).machines
        shown = {
            "equipment": machine,
            "figures": found.figures,
            "hours": found.hours,
            "masked": found.masked,
            "since": span.since,
            "until": span.until,
            "stretches": list(clipped(found.intervals, span.since, span.until)),
        }
        return Response(MachineProductionSerializer(shown).data)


class SiteShifts(ActorView):
    """The shifts of a site by its wall clock; a PUT replaces them all."""

    needs = {"GET": "view_production", "PUT": "manage"}

    @extend_schema(responses=ShiftsSerializer)
    def get(self, request: Request, site_id: UUID) -> Response:
        rules = queries.calendar(get_site(site_id, needs="view_production")).rules
        return Response(ShiftsSerializer({"shifts": [_shown(rule) for rule in rules]}).data)

    @extend_schema(request=ShiftsSerializer, responses=ShiftsSerializer)
    def put(self, request: Request, site_id: UUID) -> Response:
        site = get_site(site_id, needs="manage")
        said = _parsed(ShiftsSerializer, request.data)["shifts"]
        rules = [ShiftRule(**each | {"weekdays": frozenset(each.get("weekdays", EVERY_DAY))}) for each in said]
        actions.set_shifts(site=site, rules=rules)
        return self.get(request, site_id)


class MachineRate(ActorView):
    """What a machine is to haul in an hour of scheduled time; null: nothing is planned."""

    needs = {"PUT": "manage"}

    @extend_schema(request=PlannedRateSerializer, responses=PlannedRateSerializer)
    def put(self, request: Request, equipment_id: UUID) -> Response:
        machine = get_equipment(equipment_id, needs="manage")
        said = _parsed(PlannedRateSerializer, request.data)
        actions.set_rate(equipment=machine, **said)
        return Response(said)


class StopCorrectionList(ListView):
    """What was said of a machine's stops; the latest holds."""

    needs = {"GET": "view_production", "POST": "acknowledge_alarms"}
    serializer_class = CorrectionSerializer
    queryset = StopCorrection.objects.none()

    def get_queryset(self) -> QuerySet[StopCorrection]:
        return queries.corrections_of(get_equipment(self.kwargs["equipment_id"], needs="view_production"))

    @extend_schema(request=CorrectionSerializer, responses={201: CorrectionSerializer})
    def post(self, request: Request, equipment_id: UUID) -> Response:
        machine = get_equipment(equipment_id, needs="acknowledge_alarms")
        row = actions.correct_stop(equipment=machine, **self.parsed(request))
        return Response(CorrectionSerializer(row).data, status=201)


class HandoverList(ListView):
    """Hand-overs of an own site; a POST drafts one, or drafts it anew until the outgoing shift has signed."""

    needs = {"GET": "view_production", "POST": "acknowledge_alarms"}
    serializer_class = HandoverSerializer
    queryset = ShiftHandover.objects.none()

    def get_queryset(self) -> QuerySet[ShiftHandover]:
        return queries.handovers_of(get_site(self.kwargs["site_id"], needs="view_production"))

    @extend_schema(request=HandoverDraftSerializer, responses={201: HandoverSerializer})
    def post(self, request: Request, site_id: UUID) -> Response:
        site = get_site(site_id, needs="acknowledge_alarms")
        row = actions.draft_handover(site=site, **_parsed(HandoverDraftSerializer, request.data))
        return Response(HandoverSerializer(row).data, status=201)


class HandoverDetail(ActorView):
    needs = {"GET": "view_production"}

    @extend_schema(responses=HandoverSerializer)
    def get(self, request: Request, handover_id: UUID) -> Response:
        return Response(HandoverSerializer(get_handover(handover_id)).data)


class HandoverSign(ActorView):
    """First somebody of the outgoing shift signs, then somebody else of the incoming one."""

    needs = {"POST": "acknowledge_alarms"}

    @extend_schema(request=None, responses=HandoverSerializer)
    def post(self, request: Request, handover_id: UUID) -> Response:
        row = actions.sign_handover(handover=get_handover(handover_id, needs="acknowledge_alarms"))
        return Response(HandoverSerializer(row).data)


def _report(request: Request, site_id: UUID) -> queries.Report:
    site = get_site(site_id, needs="view_production")
    return queries.report(queries.span_of(site, **_parsed(SpanOfDaySerializer, request.query_params)))


def _shown(rule: ShiftRule) -> dict[str, Any]:
    return {"name": rule.name, "begins": rule.begins, "ends": rule.ends, "weekdays": sorted(rule.weekdays)}


def _parsed(form: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    bound = form(data=data)
    bound.is_valid(raise_exception=True)
    return dict(bound.validated_data)
