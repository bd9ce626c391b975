"""Profiles, needs and matches over HTTP: parse, one action or query, render."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace import access as tasks
from marketplace.models import Profile, ServiceTask
from marketplace.profiles import access, actions, queries
from marketplace.rest import profile_serializers as shapes
from marketplace.rest.views import IF_MATCH, unchanged
from tenants.resources.api import get_person
from tenants.rest.base import ActorView, ListView
from tenants.rest.preconditions import refuse_changed

CHANGED = "The profile has changed since you read it; read it again and decide anew."


class OwnProfile(ActorView):
    """What the own organisation says of itself; a PUT replaces it as a whole."""

    needs = {"GET": "view_tasks", "PUT": "manage"}

    @extend_schema(responses={200: shapes.ProfileDetailSerializer, 204: None})
    def get(self, request: Request) -> Response:
        """204 if there is none yet."""
        profile = queries.own_profile()
        return Response(status=204) if profile is None else _shown(profile)

    @extend_schema(
        request=shapes.ProfileTermsSerializer, responses=shapes.ProfileDetailSerializer, parameters=[IF_MATCH]
    )
    def put(self, request: Request) -> Response:
        profile = queries.own_profile()
        refuse_changed(request, _etag(profile) if profile else "", CHANGED)
        form = shapes.ProfileTermsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return _shown(actions.save_profile(terms=form.terms(), seen=profile and profile.version))


class ProfileList(ListView):
    """What other organisations show of themselves, newest first."""

    needs = {"GET": "view_tasks"}
    serializer_class = shapes.ProfileSerializer
    rows = staticmethod(queries.profiles)

    def paginate_queryset(self, queryset: Any) -> Any:
        return queries.rated(super().paginate_queryset(queryset) or ())


class ProfileDetail(ActorView):
    needs = {"GET": "view_tasks"}

    @extend_schema(responses=shapes.ProfileDetailSerializer)
    def get(self, request: Request, profile_id: UUID) -> Response:
        return _shown(access.get_profile(profile_id))


class ExpertList(ListView):
    """Own people who are shown in the profile, each as they were when published."""

    needs = {"GET": "view_resources", "POST": "manage"}
    serializer_class = shapes.OwnExpertSerializer
    rows = staticmethod(queries.own_experts)

    @extend_schema(request=shapes.PublishExpertSerializer, responses={201: shapes.OwnExpertSerializer})
    def post(self, request: Request) -> Response:
        """Show somebody, or bring them up to date. Without `shows_name` only skills and certificates are shown."""
        form = shapes.PublishExpertSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        said = dict(form.validated_data)
        expert = actions.publish_expert(person=get_person(said.pop("person")), **said)
        return Response(shapes.OwnExpertSerializer(expert).data, status=201)


class ExpertDetail(ActorView):
    needs = {"DELETE": "manage"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, expert_id: UUID) -> Response:
        actions.withdraw_expert(expert=access.get_own_expert(expert_id))
        return Response(status=204)


class TaskNeeds(ActorView):
    """What a task wants of people; a PUT by its owner replaces all of it, while the task is a draft."""

    needs = {"GET": "view_tasks", "PUT": "post_tasks"}

    @extend_schema(responses=shapes.NeedsSerializer)
    def get(self, request: Request, task_id: UUID) -> Response:
        return _needs(tasks.get_task(task_id))

    @extend_schema(request=shapes.NeedsSerializer, responses=shapes.NeedsSerializer, parameters=[IF_MATCH])
    def put(self, request: Request, task_id: UUID) -> Response:
        task = unchanged(request, tasks.get_own_task(task_id))
        form = shapes.NeedsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        actions.set_needs(task=task, needs=form.terms())
        return _needs(task)


class TaskMatches(ActorView):
    """The newest tasks of the market, ranked for the own organisation, with reasons."""

    needs = {"GET": "view_tasks"}

    @extend_schema(responses=shapes.TaskMatchesSerializer)
    def get(self, request: Request) -> Response:
        return Response(shapes.TaskMatchesSerializer({"matches": queries.tasks_for_me()}).data)


class FirmMatches(ActorView):
    """Firms that do work of the category of an own task, ranked for it, with reasons: those that show a profile."""

    needs = {"GET": "post_tasks"}

    @extend_schema(responses=shapes.FirmMatchesSerializer)
    def get(self, request: Request, task_id: UUID) -> Response:
        found = queries.firms_for(tasks.get_own_task(task_id))
        return Response(shapes.FirmMatchesSerializer({"matches": found}).data)


def _shown(profile: Any) -> Response:
    profile.experts, profile.references = list(queries.experts_of(profile)), list(queries.references_of(profile))
    return Response(shapes.ProfileDetailSerializer(profile).data, headers={"ETag": _etag(profile)})


def _etag(profile: Profile) -> str:
    return f'"{profile.version}"'


def _needs(task: ServiceTask) -> Response:
    body = shapes.NeedsSerializer({"needs": queries.needs_of(task)}).data
    return Response(body, headers={"ETag": f'"{task.version}"'})
