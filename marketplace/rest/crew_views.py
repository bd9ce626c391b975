"""Who works on a task, over HTTP."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace import access as tasks
from marketplace.crew import access, actions, queries
from marketplace.rest import crew_serializers as shapes
from tenants.resources.api import Window, get_person
from tenants.rest.base import ActorView
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView


class TaskPeople(IdempotentView):
    """The firm's people on a task: the firm assigns them, the owner sees who comes."""

    needs = {"GET": "view_tasks", "POST": "use_resources"}

    @extend_schema(responses=shapes.PeopleSerializer)
    def get(self, request: Request, task_id: UUID) -> Response:
        people = queries.people_on(tasks.get_task(task_id))
        return Response(shapes.PeopleSerializer({"people": people}).data)

    @extend_schema(
        request=shapes.AssignPersonSerializer,
        responses={201: shapes.AssignmentSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, task_id: UUID) -> Response:
        """409 names the certificate and the day it fails, or the booking in the way."""
        task = tasks.get_task(task_id, needs="use_resources")
        form = shapes.AssignPersonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        row = actions.assign_person(
            task=task,
            person=get_person(said["person"], needs="use_resources"),
            window=Window(said["from_at"], said["to_at"]),
            need=access.get_need(task, said["need"]) if said["need"] else None,
        )
        row.refresh_from_db()
        return Response(shapes.AssignmentSerializer(row).data, status=201)


class ReleasePerson(ActorView):
    """The firm takes somebody off a task; their time is free again."""

    needs = {"POST": "use_resources"}

    @extend_schema(request=shapes.ReleasePersonSerializer, responses=shapes.AssignmentSerializer)
    def post(self, request: Request, assignment_id: UUID) -> Response:
        row = access.get_own_assignment(assignment_id)
        form = shapes.ReleasePersonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        actions.release_person(assignment=row, **form.validated_data)
        row.refresh_from_db()
        return Response(shapes.AssignmentSerializer(row).data)
