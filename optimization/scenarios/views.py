"""Scenarios, decisions and releases over HTTP: parse, one action or query, render."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from optimization import access as plans
from optimization.canonical import digest_of_text
from optimization.models import PlanRun, ScenarioVersion
from optimization.rest.serializers import PlanRunSerializer
from optimization.scenarios import access, actions, queries
from optimization.scenarios.serializers import (
    ComparisonQuerySerializer,
    NewScenarioSerializer,
    NewScenarioVersionSerializer,
    PlanApprovalSerializer,
    PlanComparisonSerializer,
    PlanDecisionSerializer,
    PlanRejectionSerializer,
    PlanReleaseCheckSerializer,
    PlanReleaseSerializer,
    ScenarioSerializer,
    ScenarioSolveSerializer,
    ScenarioVersionDetailSerializer,
    ScenarioVersionSerializer,
)
from optimization.variations import variations_schema
from tenants.data import Conflict
from tenants.rest.base import ActorView, ListView
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView


class ScenarioList(IdempotentView, ListView):
    needs = {"GET": "view_plans", "POST": "run_plans"}
    serializer_class = ScenarioSerializer
    rows = staticmethod(queries.scenarios)

    @extend_schema(
        request=NewScenarioSerializer, responses={201: ScenarioVersionDetailSerializer}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request) -> Response:
        """Found a scenario: a base with an instance, or variations of a version. The answer is its first version."""
        scenario = actions.found_scenario(**_content(request, NewScenarioSerializer))
        return _made(access.get_version(scenario.pk, scenario.version))


class ScenarioDetail(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=ScenarioSerializer)
    def get(self, request: Request, scenario_id: UUID) -> Response:
        return Response(ScenarioSerializer(access.get_scenario(scenario_id)).data)


class ScenarioArchive(ActorView):
    needs = {"POST": "run_plans"}

    @extend_schema(request=None, responses=ScenarioSerializer)
    def post(self, request: Request, scenario_id: UUID) -> Response:
        """Close it to new versions and plans; everything stays readable."""
        scenario = access.get_scenario(scenario_id, needs="run_plans")
        actions.archive_scenario(scenario=scenario)
        return Response(ScenarioSerializer(scenario).data)


class VersionList(IdempotentView, ListView):
    needs = {"GET": "view_plans", "POST": "run_plans"}
    serializer_class = ScenarioVersionSerializer
    queryset = ScenarioVersion.objects.none()  # names the model to the schema's generator, which has no identity

    def get_queryset(self) -> QuerySet[ScenarioVersion]:
        return queries.versions().filter(scenario=access.get_scenario(self.kwargs["scenario_id"]))

    @extend_schema(responses=ScenarioVersionSerializer(many=True))
    def get(self, request: Request, scenario_id: UUID) -> Response:
        return super().get(request)

    @extend_schema(
        request=NewScenarioVersionSerializer,
        responses={201: ScenarioVersionDetailSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, scenario_id: UUID) -> Response:
        """Make the next version. `expected_version` is the newest that you read; if there is a newer one, 409."""
        scenario = access.get_scenario(scenario_id, needs="run_plans")
        return _made(actions.make_version(scenario=scenario, **_content(request, NewScenarioVersionSerializer)))


class VersionDetail(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=ScenarioVersionDetailSerializer)
    def get(self, request: Request, scenario_id: UUID, number: int) -> Response:
        return Response(ScenarioVersionDetailSerializer(access.get_version(scenario_id, number)).data)


class VersionInstance(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, scenario_id: UUID, number: int) -> Response:
        """The instance that is solved: the base with all variations in it."""
        return Response(queries.instance_document(access.get_version(scenario_id, number)))


class VersionSolve(IdempotentView):
    needs = {"POST": "run_plans"}

    @extend_schema(request=ScenarioSolveSerializer, responses={202: PlanRunSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, scenario_id: UUID, number: int) -> Response:
        """Ask for a plan of this version; it is a plan like any other, and remembers where it comes from."""
        version = access.get_version(scenario_id, number, needs="run_plans")
        run = actions.solve_version(version=version, **_parsed(ScenarioSolveSerializer, request.data))
        where = reverse("plan-detail", args=[run.pk])
        return Response(PlanRunSerializer(run).data, status=202, headers={"Location": where})


class VariationsSchema(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """The JSON Schema of `variations`."""
        return Response(variations_schema())


class ScenarioCompare(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(parameters=[ComparisonQuerySerializer], responses=PlanComparisonSerializer)
    def get(self, request: Request) -> Response:
        """Plans side by side: cost and its terms, gap, ore, stocks, service; and in words how each differs."""
        asked = _parsed(ComparisonQuerySerializer, request.query_params)
        runs = [plans.get_plan(pk) for pk in asked.get("runs", ())]
        runs += [_newest_run(pk) for pk in asked.get("versions", ())]
        return Response(PlanComparisonSerializer(queries.side_by_side(runs)).data)


class PlanDecisionView(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=PlanDecisionSerializer)
    def get(self, request: Request, plan_id: UUID) -> Response:
        """Who approved or rejected the plan; 409 while nobody has."""
        decision = queries.decision_on(plans.get_plan(plan_id))
        if decision is None:
            raise Conflict("Nobody has decided on this plan yet.")
        return Response(PlanDecisionSerializer(decision).data)


class PlanApprove(IdempotentView):
    needs = {"POST": "approve_plans"}

    @extend_schema(
        request=PlanApprovalSerializer, responses={201: PlanDecisionSerializer}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, plan_id: UUID) -> Response:
        """Approve a solved plan that somebody else asked for; once."""
        return _decided(plan_id, is_approved=True, **_parsed(PlanApprovalSerializer, request.data))


class PlanReject(IdempotentView):
    needs = {"POST": "approve_plans"}

    @extend_schema(
        request=PlanRejectionSerializer, responses={201: PlanDecisionSerializer}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, plan_id: UUID) -> Response:
        """Reject a solved plan, with the reason; once."""
        return _decided(plan_id, is_approved=False, **_parsed(PlanRejectionSerializer, request.data))


class PlanReleaseView(IdempotentView):
    needs = {"POST": "release_plans"}

    @extend_schema(request=None, responses={201: PlanReleaseSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, plan_id: UUID) -> Response:
        """Put an approved plan in force under the next number; the scenario's last release is superseded."""
        release = actions.release_plan(run=plans.get_plan(plan_id, needs="release_plans"))
        where = reverse("release-detail", args=[release.pk])
        return Response(PlanReleaseSerializer(release).data, status=201, headers={"Location": where})


class ReleaseList(ListView):
    needs = {"GET": "view_plans"}
    serializer_class = PlanReleaseSerializer
    rows = staticmethod(queries.releases)


class ReleaseDetail(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=PlanReleaseSerializer)
    def get(self, request: Request, release_id: UUID) -> Response:
        return Response(PlanReleaseSerializer(access.get_release(release_id)).data)


class ReleaseVerify(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=PlanReleaseCheckSerializer)
    def get(self, request: Request, release_id: UUID) -> Response:
        """Whether what is stored is what was released: the digest, and the same recomputed."""
        release = access.get_release(release_id)
        recomputed = digest_of_text(queries.release_text(release.run))
        found = {"digest": release.digest, "recomputed": recomputed, "is_genuine": recomputed == release.digest}
        return Response(PlanReleaseCheckSerializer(found).data)


class ReleaseDocument(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, release_id: UUID) -> HttpResponse:
        """What was released, byte by byte as the digest was taken of it: `curl … | sha256sum`."""
        release = access.get_release(release_id)
        return HttpResponse(queries.release_text(release.run), content_type="application/json")


def _parsed(form_class: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    form = form_class(data=data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def _content(request: Request, form_class: type[Serializer[Any]]) -> dict[str, Any]:
    """The body as the actions take it: a base is named by its id."""
    content = _parsed(form_class, request.data)
    if "base" in content:
        content["base"] = access.get_version_by_id(content["base"], needs="run_plans")
    return content


def _made(version: ScenarioVersion) -> Response:
    where = reverse("scenario-version-detail", args=[version.scenario_id, version.number])
    return Response(ScenarioVersionDetailSerializer(version).data, status=201, headers={"Location": where})


def _newest_run(version_id: UUID) -> PlanRun:
    version = access.get_version_by_id(version_id)
    run = queries.newest_run(version)
    if run is None:
        raise Conflict(f"{version.scenario.name!r}, {version} has no plan yet: solve it first.")
    return run


def _decided(plan_id: UUID, **word: Any) -> Response:
    decision = actions.decide(run=plans.get_plan(plan_id, needs="approve_plans"), **word)
    return Response(PlanDecisionSerializer(decision).data, status=201)
