"""Companies, sites, processes and equipment over HTTP: parse, one action or query, render."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from tenants import access
from tenants import queries as registry
from tenants.data import NotFound
from tenants.models import Company, Equipment, Process, Site
from tenants.organisation import actions, queries
from tenants.organisation.serializers import (
    CompanySerializer,
    EquipmentChangeSerializer,
    ProcessChangeSerializer,
    ProcessSerializer,
    SiteChangeSerializer,
    TreeSerializer,
)
from tenants.rest.base import ActorView, ListView
from tenants.rest.serializers import EquipmentSerializer, SiteSerializer

VIEW_AND_CHANGE: Final = {"GET": "view_registry", "PATCH": "manage"}
# A reference in a body → how the actor's own row is got, so that a foreign one answers 404 as an absent one does.
REFERENCES: Final[dict[str, Callable[[UUID], Any]]] = {
    "company": lambda key: actions.get_own_company(key),
    "parent": lambda key: actions.get_own_company(key),
    "process": lambda key: actions.get_own_process(key),
    "mine": lambda key: access.get_own_site(key, needs="manage"),
    "site": lambda key: access.get_own_site(key, needs="manage"),
}


class TreeView(ActorView):
    """The organisation's companies, sites and processes in one answer."""

    needs = {"GET": "view_registry"}

    @extend_schema(responses=TreeSerializer)
    def get(self, request: Request) -> Response:
        return Response(TreeSerializer(queries.tree()).data)


class CompanyList(ListView):
    needs = {"GET": "view_registry", "POST": "manage"}
    serializer_class = CompanySerializer
    rows = staticmethod(queries.companies)

    @extend_schema(request=CompanySerializer, responses={201: CompanySerializer})
    def post(self, request: Request) -> Response:
        made = actions.add_company(**_with_rows(self.parsed(request)))
        return Response(CompanySerializer(made).data, status=201)


class CompanyDetail(ActorView):
    needs = {**VIEW_AND_CHANGE, "DELETE": "manage"}

    @extend_schema(responses=CompanySerializer)
    def get(self, request: Request, company_id: UUID) -> Response:
        return Response(CompanySerializer(_company(company_id, "view_registry")).data)

    @extend_schema(request=CompanySerializer(partial=True), responses=CompanySerializer)
    def patch(self, request: Request, company_id: UUID) -> Response:
        company = _company(company_id)
        actions.change_company(company=company, **_changes(CompanySerializer(company, request.data, partial=True)))
        return Response(CompanySerializer(company).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, company_id: UUID) -> Response:
        actions.remove_company(company=_company(company_id))
        return Response(status=204)


class SiteList(ListView):
    needs = {"GET": "view_registry", "POST": "manage"}
    serializer_class = SiteSerializer
    rows = staticmethod(registry.sites)

    @extend_schema(request=SiteSerializer, responses={201: SiteSerializer})
    def post(self, request: Request) -> Response:
        made = actions.register_site(**_with_rows(self.parsed(request)))
        return Response(SiteSerializer(made).data, status=201)


class SiteDetail(ActorView):
    needs = VIEW_AND_CHANGE

    @extend_schema(responses=SiteSerializer)
    def get(self, request: Request, site_id: UUID) -> Response:
        return Response(SiteSerializer(_seen(registry.sites(), site_id)).data)

    @extend_schema(request=SiteChangeSerializer(partial=True), responses=SiteSerializer)
    def patch(self, request: Request, site_id: UUID) -> Response:
        site: Site = access.get_own_site(site_id, needs="manage")
        actions.change_site(site=site, **_changes(SiteChangeSerializer(site, request.data, partial=True)))
        return Response(SiteSerializer(site).data)


class ProcessList(ListView):
    needs = {"GET": "view_registry", "POST": "manage"}
    serializer_class = ProcessSerializer
    rows = staticmethod(queries.processes)

    @extend_schema(request=ProcessSerializer, responses={201: ProcessSerializer})
    def post(self, request: Request) -> Response:
        made = actions.add_process(**_with_rows(self.parsed(request)))
        return Response(ProcessSerializer(made).data, status=201)


class ProcessDetail(ActorView):
    needs = {**VIEW_AND_CHANGE, "DELETE": "manage"}

    @extend_schema(responses=ProcessSerializer)
    def get(self, request: Request, process_id: UUID) -> Response:
        return Response(ProcessSerializer(_seen(queries.processes(), process_id)).data)

    @extend_schema(request=ProcessChangeSerializer(partial=True), responses=ProcessSerializer)
    def patch(self, request: Request, process_id: UUID) -> Response:
        process: Process = actions.get_own_process(process_id)
        actions.change_process(
            process=process, **_changes(ProcessChangeSerializer(process, request.data, partial=True))
        )
        return Response(ProcessSerializer(process).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, process_id: UUID) -> Response:
        actions.remove_process(process=actions.get_own_process(process_id))
        return Response(status=204)


class EquipmentList(ListView):
    needs = {"GET": "view_registry", "POST": "manage"}
    serializer_class = EquipmentSerializer
    rows = staticmethod(registry.equipment)

    @extend_schema(request=EquipmentSerializer, responses={201: EquipmentSerializer})
    def post(self, request: Request) -> Response:
        made = actions.register_equipment(**_with_rows(self.parsed(request)))
        return Response(EquipmentSerializer(made).data, status=201)


class EquipmentDetail(ActorView):
    needs = VIEW_AND_CHANGE

    @extend_schema(responses=EquipmentSerializer)
    def get(self, request: Request, equipment_id: UUID) -> Response:
        return Response(EquipmentSerializer(_seen(registry.equipment(), equipment_id)).data)

    @extend_schema(request=EquipmentChangeSerializer(partial=True), responses=EquipmentSerializer)
    def patch(self, request: Request, equipment_id: UUID) -> Response:
        machine: Equipment = access.get_own_equipment(equipment_id, needs="manage")
        changes = _changes(EquipmentChangeSerializer(machine, request.data, partial=True))
        actions.change_equipment(equipment=machine, **changes)
        return Response(EquipmentSerializer(machine).data)


def _company(company_id: UUID, needs: str = "manage") -> Company:
    return actions.get_own_company(company_id, needs=needs)


def _seen(rows: Any, key: UUID) -> Any:
    row = rows.filter(pk=key).first()
    if row is None:
        raise NotFound
    return row


def _changes(form: BaseSerializer[Any]) -> dict[str, Any]:
    form.is_valid(raise_exception=True)
    return _with_rows(dict(form.validated_data))


def _with_rows(given: dict[str, Any]) -> dict[str, Any]:
    """The values with each `<name>_id` replaced by the actor's own row of that id."""
    named = {name.removesuffix("_id"): value for name, value in given.items()}
    return {name: REFERENCES[name](value) if name in REFERENCES and value else value for name, value in named.items()}
