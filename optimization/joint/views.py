"""Plans of several organisations over HTTP: parse, one action or query, render."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from optimization.joint import access, actions, queries
from optimization.joint.serializers import (
    JointPlanDetailSerializer,
    JointPlanSerializer,
    JointSolveSerializer,
    NewJointPlanSerializer,
    PartDetailSerializer,
    PartFormSerializer,
    PartSerializer,
    ShareFilterSerializer,
    ShareSerializer,
    WithdrawSerializer,
)
from optimization.models import JointPart, JointPlan, PlanShare
from optimization.rest.serializers import PlanRunSerializer
from tenants.data import Conflict
from tenants.rest.base import ActorView, ListView
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView


class JointPlanList(IdempotentView, ListView):
    """Plans that the organisation coordinates or has a seat in, newest first."""

    needs = {"GET": "view_plans", "POST": "run_plans"}
    serializer_class = JointPlanSerializer
    rows = staticmethod(queries.joint_plans)

    @extend_schema(
        request=NewJointPlanSerializer, responses={201: JointPlanDetailSerializer}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request) -> Response:
        """Found a plan of several organisations: what all share, and who brings which mines, centres and users."""
        form = NewJointPlanSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        joint = actions.found_joint_plan(**form.arguments())
        return _answer(joint, 201, Location=reverse("joint-plan-detail", args=[joint.pk]))


class JointPlanDetail(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=JointPlanDetailSerializer)
    def get(self, request: Request, joint_id: UUID) -> Response:
        """The plan with its seats: their names and whether they are filled, never a figure."""
        return _answer(access.get_joint_plan(joint_id))


class JointPartList(IdempotentView, ListView):
    """The versions of its part that the organisation itself has brought, newest first."""

    needs = {"GET": "view_plans", "POST": "run_plans"}
    serializer_class = PartSerializer
    queryset = JointPart.objects.none()  # names the model to the schema's generator, which has no identity

    def get_queryset(self) -> QuerySet[JointPart]:
        return queries.parts_for(access.get_joint_plan(self.kwargs["joint_id"]).pk)

    @extend_schema(responses=PartSerializer(many=True))
    def get(self, request: Request, joint_id: UUID) -> Response:
        return super().get(request)

    @extend_schema(request=PartFormSerializer, responses={201: PartSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, joint_id: UUID) -> Response:
        """Bring your part, or a further version of it. By this you join the plan."""
        joint = access.get_joint_plan(joint_id, needs="run_plans")
        part = actions.contribute(joint=joint, part=request.data)
        where = reverse("joint-part-detail", args=[part.pk])
        return Response(PartSerializer(queries.parts().get(pk=part.pk)).data, status=201, headers={"Location": where})


class JointPartDetail(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=PartDetailSerializer)
    def get(self, request: Request, part_id: UUID) -> Response:
        """One version, as you brought it."""
        return Response(PartDetailSerializer(access.get_part(part_id)).data)


class JointPlanWithdraw(ActorView):
    needs = {"POST": "run_plans"}

    @extend_schema(request=WithdrawSerializer, responses=JointPlanDetailSerializer)
    def post(self, request: Request, joint_id: UUID) -> Response:
        """Take your part out of the plans to come; the coordinator may do so for any seat. Shares stay with each."""
        joint = access.get_joint_plan(joint_id, needs="run_plans")
        actions.withdraw(joint=joint, **_parsed(WithdrawSerializer, request.data))
        return _answer(joint)


class JointPlanSolve(IdempotentView):
    needs = {"POST": "run_plans"}

    @extend_schema(request=JointSolveSerializer, responses={202: PlanRunSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, joint_id: UUID) -> Response:
        """Ask for a plan of all parts; the coordinator alone does. Each participant gets its share."""
        joint = access.get_coordinated(joint_id)
        run = actions.solve_joint_plan(joint=joint, **_parsed(JointSolveSerializer, request.data))
        where = reverse("plan-detail", args=[run.pk])
        return Response(PlanRunSerializer(run).data, status=202, headers={"Location": where})


class JointPlanClose(ActorView):
    needs = {"POST": "run_plans"}

    @extend_schema(request=None, responses=JointPlanDetailSerializer)
    def post(self, request: Request, joint_id: UUID) -> Response:
        """Take no further part and solve nothing further; what is under way comes to its end."""
        joint = access.get_coordinated(joint_id)
        actions.close_joint_plan(joint=joint)
        return _answer(joint)


class ShareList(ListView):
    """The organisation's own shares of plans of several, newest first."""

    needs = {"GET": "view_plans"}
    serializer_class = ShareSerializer
    queryset = PlanShare.objects.none()  # names the model to the schema's generator, which has no identity

    def get_queryset(self) -> QuerySet[PlanShare]:
        wanted = _parsed(ShareFilterSerializer, self.request.query_params)
        column = {"joint": "joint", "plan": "run"}
        return queries.shares().filter(**{column[name]: value for name, value in wanted.items()})

    @extend_schema(parameters=[ShareFilterSerializer], responses=ShareSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)


class ShareDetail(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=ShareSerializer)
    def get(self, request: Request, share_id: UUID) -> Response:
        return Response(ShareSerializer(access.get_share(share_id)).data)


class SharePlan(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, share_id: UUID) -> Response:
        """Your own flows that are not zero: a list a variable, a row being its names and then the value."""
        share = access.get_share(share_id)
        if share.plan is None:
            raise Conflict(f"There is no plan to show: it is {share.status}.")
        return Response(share.plan)


def _parsed(form_class: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    form = form_class(data=data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def _answer(joint: JointPlan, code: int = 200, **headers: str) -> Response:
    whole = {"plan": joint, "frame": joint.frame, "seats": queries.seats(joint)}
    return Response(JointPlanDetailSerializer(whole).data, status=code, headers=headers)
