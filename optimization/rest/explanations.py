"""What explains plans, over HTTP: parse, one query, render."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from optimization import access, explanations
from optimization.rest.explanation_serializers import (
    DifferenceQuerySerializer,
    DifferenceSerializer,
    ExplanationSerializer,
)
from tenants.rest.base import ActorView


class PlanExplanation(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=ExplanationSerializer)
    def get(self, request: Request, plan_id: UUID) -> Response:
        """What the plan costs and why, and which rules bind; where there is none, what is short and its repair."""
        return Response(ExplanationSerializer(explanations.explanation_of(access.get_plan(plan_id))).data)


class PlanDifference(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(parameters=[DifferenceQuerySerializer], responses=DifferenceSerializer)
    def get(self, request: Request, plan_id: UUID) -> Response:
        """What another plan does instead: cost, flows, cut-offs, stocks, and the data that changed."""
        first, asked = access.get_plan(plan_id), DifferenceQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        second = access.get_plan(asked.validated_data["to"])
        return Response(DifferenceSerializer(explanations.difference_between(first, second)).data)
