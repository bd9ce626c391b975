"""Usage, statements, budget and rates over HTTP: parse, one action or query, render."""

import csv
import io
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import access
from tenants.data import NotFound
from tenants.metering import actions, queries
from tenants.metering.clauses import agreement_usage
from tenants.metering.months import bounds_of, month_of, read_month
from tenants.metering.pricing import METERS
from tenants.metering.serializers import (
    AgreementUsageSerializer,
    BudgetSerializer,
    BudgetStateSerializer,
    MonthFilterSerializer,
    RatePlanSerializer,
    StatementSerializer,
    StatementSummarySerializer,
    UsageEventSerializer,
    UsageFilterSerializer,
    UsageHourSerializer,
)
from tenants.models import Budget, Statement, Tenant, UsageEvent, UsageHour
from tenants.rest.base import ActorView, ListView
from tenants.rest.files import CSV, FileView, answers, file_answer
from tenants.rest.pagination import NewestFirst

HEADERS = ("meter", "unit", "quantity", "free", "amount_minor", "currency")


class NewestHours(NewestFirst):
    """Hours are rolled up late at times, so that their keys are in no order."""

    ordering: Any = ("-hour", "meter")


class UsageEventList(ListView):
    """Each use of the organisation, newest first: what a line of a statement is the sum of."""

    needs = {"GET": "view_usage"}
    serializer_class = UsageEventSerializer
    queryset = UsageEvent.objects.none()

    def get_queryset(self) -> QuerySet[UsageEvent]:
        return queries.within(queries.usage_events(), **_asked(self.request))

    @extend_schema(parameters=[UsageFilterSerializer], responses=UsageEventSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)


class UsageHourList(ListView):
    """Sums by hour and meter; the last seconds may be missing."""

    needs = {"GET": "view_usage"}
    serializer_class = UsageHourSerializer
    pagination_class = NewestHours
    queryset = UsageHour.objects.none()

    def get_queryset(self) -> QuerySet[UsageHour]:
        return queries.within(queries.usage_hours(), **_asked(self.request))

    @extend_schema(parameters=[UsageFilterSerializer], responses=UsageHourSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)


class StatementList(ListView):
    """One for each month with usage, newest first."""

    needs = {"GET": "view_usage"}
    serializer_class = StatementSummarySerializer
    rows = staticmethod(queries.statements)


class StatementDetail(ActorView):
    """A closed month as it was, or an open one as it stands this moment."""

    needs = {"GET": "view_usage"}

    @extend_schema(responses=StatementSerializer)
    def get(self, request: Request, month: str) -> Response:
        return Response(StatementSerializer(_statement(month)).data)


class StatementCsv(FileView):
    needs = {"GET": "view_usage"}

    @extend_schema(responses=answers(CSV))
    def get(self, request: Request, month: str) -> HttpResponse:
        return file_answer(statement_csv(_statement(month)), CSV, f"statement-{month}.csv")


class RatePlanView(ActorView):
    """The rates that hold for the organisation this month."""

    needs = {"GET": "view_usage"}

    @extend_schema(responses=RatePlanSerializer)
    def get(self, request: Request) -> Response:
        tenant = Tenant.objects.get(pk=access.actor().tenant_id)
        plan = queries.rate_plan_of(tenant, month_of(datetime.now(UTC)))
        if plan is None:
            raise NotFound(f"There is no rate plan in {tenant.currency}; nothing is charged.")
        return Response(RatePlanSerializer(plan).data)


class BudgetView(ActorView):
    """The month's budget and how much of it is used; DELETE lifts it."""

    needs = {"GET": "view_usage", "PUT": "manage_budget", "DELETE": "manage_budget"}

    @extend_schema(responses=BudgetStateSerializer)
    def get(self, request: Request) -> Response:
        return _budget(queries.budget_of(access.actor().tenant_id))

    @extend_schema(request=BudgetSerializer, responses=BudgetStateSerializer)
    def put(self, request: Request) -> Response:
        form = BudgetSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return _budget(actions.set_budget(**form.validated_data))

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        actions.drop_budget()
        return Response(status=204)


class AgreementUsageView(ActorView):
    """What the partner used under an agreement in a month; both parties see the same lines."""

    needs = {"GET": "view_agreements"}

    @extend_schema(parameters=[MonthFilterSerializer], responses=AgreementUsageSerializer)
    def get(self, request: Request, agreement_id: UUID) -> Response:
        agreement = access.get_agreement(agreement_id)
        asked = MonthFilterSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        month = asked.validated_data.get("month", month_of(datetime.now(UTC)))
        return Response(AgreementUsageSerializer(agreement_usage(agreement, month)).data)


def statement_csv(statement: Statement) -> bytes:
    """One row a line. Names of meters and numbers are all there is, so no spreadsheet runs a cell."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(HEADERS)
    for line in statement.lines:
        unit = METERS[line["meter"]].unit
        shown = (line["meter"], unit, line["quantity"], line["free"], line["amount_minor"], statement.currency)
        writer.writerow(shown)
    writer.writerow(("total", "", "", "", statement.total_minor, statement.currency))
    return made.getvalue().encode()


def _statement(text: str) -> Statement:
    """The statement of `2026-11`; NotFound for what is no month of the organisation's."""
    month: date | None = read_month(text)
    tenant = Tenant.objects.get(pk=access.actor().tenant_id)
    if month is None or not queries.is_billable(tenant, month):
        raise NotFound
    return queries.statement_of(tenant.pk, month)


def _budget(budget: Budget | None) -> Response:
    month = month_of(datetime.now(UTC))
    statement = queries.statement_of(access.actor().tenant_id, month)
    state = {
        "cap_minor": budget and budget.cap_minor,
        "warn_frac": budget and budget.warn_frac,
        "stops": budget is not None and budget.stops,
        "set_at": budget and budget.set_at,
        "used_minor": statement.total_minor,
        "currency": statement.currency,
        "resets_at": bounds_of(month)[1],
    }
    return Response(BudgetStateSerializer(state).data)


def _asked(request: Request) -> dict[str, Any]:
    form = UsageFilterSerializer(data=request.query_params)
    form.is_valid(raise_exception=True)
    return form.validated_data
