"""Plans over HTTP: parse, one action or query, render."""

import json
from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from optimization import access, actions, queries
from optimization.documents import SCHEMA_PATH
from optimization.exchange.files import XLSX, ZIP
from optimization.exchange.parsers import WorkbookFormParser, WorkbookParser, ZipParser
from optimization.exchange.requests import asked_of
from optimization.exchange.serializers import WorkbookFormSerializer
from optimization.grades.access import with_grades
from optimization.rest.serializers import PlanRequestSerializer, PlanRunSerializer
from tenants.data import Conflict
from tenants.rest.base import ActorView, ListView
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView
from tenants.rest.parsers import StrictJSONParser

SCHEMA: dict[str, Any] = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
BASE = OpenApiParameter("base", UUID, description="Of a zip: the plan that has the tables which it leaves out.")


class PlanList(IdempotentView, ListView):
    needs = {"GET": "view_plans", "POST": "run_plans"}
    serializer_class = PlanRunSerializer
    rows = staticmethod(queries.plans)

    parser_classes = [StrictJSONParser, WorkbookParser, ZipParser, WorkbookFormParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """A file is read before the transaction opens: it may take seconds."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            _ = request.data

    @extend_schema(
        request={
            "application/json": PlanRequestSerializer,
            "multipart/form-data": WorkbookFormSerializer,
            XLSX: OpenApiTypes.BINARY,
            ZIP: OpenApiTypes.BINARY,
        },
        parameters=[BASE, IDEMPOTENCY_KEY],
        responses={202: PlanRunSerializer},
    )
    def post(self, request: Request) -> Response:
        """Ask for a plan, by an instance or a file that holds one. Follow it on the feed or at its `Location`."""
        form = PlanRequestSerializer(data=asked_of(request))
        form.is_valid(raise_exception=True)
        asked = dict(form.validated_data)
        if asked["grade_set"] is not None:
            asked["instance"], asked["grade_set"] = with_grades(asked["instance"], asked["grade_set"])
        run = actions.request_plan(**asked)
        where = reverse("plan-detail", args=[run.pk])
        return Response(PlanRunSerializer(run).data, status=202, headers={"Location": where})


class PlanSchema(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """The JSON Schema of an instance."""
        return Response(SCHEMA)


class PlanDetail(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=PlanRunSerializer)
    def get(self, request: Request, plan_id: UUID) -> Response:
        return Response(PlanRunSerializer(access.get_plan(plan_id)).data)


class PlanInstance(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, plan_id: UUID) -> Response:
        """The instance that is solved: as it was sent, with the grades of the set that was named."""
        return Response(access.get_plan(plan_id).instance)


class PlanVariables(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, plan_id: UUID) -> Response:
        """Every variable that is not zero: a list a variable, a row being its names and then the value."""
        run = access.get_plan(plan_id)
        if run.plan is None:
            where = "is in the shares of those who made it" if run.joint_id else f"is {run.status}"
            raise Conflict(f"There is no plan to show: it {where}.")
        return Response(run.plan)


class PlanCancel(ActorView):
    needs = {"POST": "run_plans"}

    @extend_schema(request=None, responses=PlanRunSerializer)
    def post(self, request: Request, plan_id: UUID) -> Response:
        """Cancel it: at once if it waits, within about a second if it runs."""
        run = access.get_plan(plan_id, needs="run_plans")
        actions.cancel_plan(run=run)
        return Response(PlanRunSerializer(run).data)
