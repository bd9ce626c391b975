"""Service tasks over HTTP: parse, one action or query, render."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from marketplace import access, actions, queries
from marketplace.models import ServiceTask
from marketplace.rest.contract_serializers import ContractReasonSerializer
from marketplace.rest.serializers import (
    ExtendSerializer,
    PostTaskSerializer,
    ReleaseSerializer,
    ReviseTaskSerializer,
    ReworkSerializer,
    ScopeSerializer,
    ServiceTaskSerializer,
    SubmitSerializer,
    TaskDetailSerializer,
)
from tenants.rest.base import ActorView, ListView
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView
from tenants.rest.preconditions import refuse_changed

IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The version you read, as its ETag.")
CHANGED = "The task has changed since you read it; read it again and decide anew."


class TaskList(IdempotentView, ListView):
    """Own tasks, those published by others (`market`), the `work` that the organisation has by a claim or a contract,
    or what it `claimed` of it, newest first."""

    needs = {"GET": "view_tasks", "POST": "post_tasks"}
    serializer_class = ServiceTaskSerializer
    queryset = ServiceTask.objects.none()  # names the model to the schema's generator, which has no identity

    def get_queryset(self) -> QuerySet[ServiceTask]:
        return queries.tasks_in(_parsed(ScopeSerializer, self.request.query_params)["scope"])

    @extend_schema(parameters=[ScopeSerializer], responses=ServiceTaskSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)

    @extend_schema(request=PostTaskSerializer, responses={201: TaskDetailSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request) -> Response:
        form = PostTaskSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return _answer(actions.post_task(**form.arguments()), status.HTTP_201_CREATED)


class TaskDetail(ActorView):
    """One task; its owner changes the terms of a draft."""

    needs = {"GET": "view_tasks", "PATCH": "post_tasks"}

    @extend_schema(responses=TaskDetailSerializer)
    def get(self, request: Request, task_id: UUID) -> Response:
        return _answer(access.get_task(task_id))

    @extend_schema(request=ReviseTaskSerializer, responses=TaskDetailSerializer, parameters=[IF_MATCH])
    def patch(self, request: Request, task_id: UUID) -> Response:
        task = unchanged(request, access.get_own_task(task_id))
        form = ReviseTaskSerializer(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        actions.revise_task(task=task, terms=form.terms(task))
        return _answer(task)

    def _conditional(self, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any) -> Response:
        """The ETag is the task's version, as at its other addresses."""
        return handler(request, *args, **kwargs)


class OwnerMove(IdempotentView):
    """The owner publishes a draft to every organisation, cancels what nobody has claimed, or accepts the work."""

    needs = {"POST": "post_tasks"}
    moves: ClassVar[dict[str, Any]] = {
        "publish": actions.publish_task,
        "cancel": actions.cancel_task,
        "accept": actions.accept_work,
    }
    move = ""

    @extend_schema(request=None, responses=TaskDetailSerializer, parameters=[IF_MATCH, IDEMPOTENCY_KEY])
    def post(self, request: Request, task_id: UUID) -> Response:
        task = unchanged(request, access.get_own_task(task_id))
        self.moves[self.move](task=task)
        return _answer(task)


class ClaimTask(IdempotentView):
    """Take a published task on; exactly one firm succeeds, the others get 409 or, once it is no longer open, 404."""

    needs = {"POST": "claim_tasks"}

    @extend_schema(request=None, responses=TaskDetailSerializer, parameters=[IF_MATCH, IDEMPOTENCY_KEY])
    def post(self, request: Request, task_id: UUID) -> Response:
        task = unchanged(request, access.get_task(task_id, needs="claim_tasks"))
        actions.claim_task(task=task)
        return _answer(task)


class Submit(IdempotentView):
    """The firm says the work is done; `token` is that of its claim."""

    needs = {"POST": "claim_tasks"}

    @extend_schema(request=SubmitSerializer, responses=TaskDetailSerializer, parameters=[IF_MATCH, IDEMPOTENCY_KEY])
    def post(self, request: Request, task_id: UUID) -> Response:
        data = _parsed(SubmitSerializer, request.data)
        claim = access.get_claim(task_id, data["token"])
        unchanged(request, claim.task)
        actions.submit_work(claim=claim, note=data["note"])
        return _answer(claim.task)


class Rework(IdempotentView):
    """The owner asks for more; lease and data begin anew."""

    needs = {"POST": "post_tasks"}

    @extend_schema(request=ReworkSerializer, responses=TaskDetailSerializer, parameters=[IF_MATCH, IDEMPOTENCY_KEY])
    def post(self, request: Request, task_id: UUID) -> Response:
        data = _parsed(ReworkSerializer, request.data)
        task = unchanged(request, access.get_own_task(task_id))
        actions.request_rework(task=task, note=data["note"])
        return _answer(task)


class Reject(IdempotentView):
    """The owner refuses the work and says why: nothing is owed, and the task is open to all again."""

    needs = {"POST": "post_tasks"}

    @extend_schema(
        request=ContractReasonSerializer, responses=TaskDetailSerializer, parameters=[IF_MATCH, IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, task_id: UUID) -> Response:
        data = _parsed(ContractReasonSerializer, request.data)
        task = unchanged(request, access.get_own_task(task_id))
        actions.reject_work(task=task, reason=data["reason"])
        return _answer(task)


class Extend(IdempotentView):
    """The owner gives the firm so many hours more; lease and data go on by a new agreement."""

    needs = {"POST": "post_tasks"}

    @extend_schema(request=ExtendSerializer, responses=TaskDetailSerializer, parameters=[IF_MATCH, IDEMPOTENCY_KEY])
    def post(self, request: Request, task_id: UUID) -> Response:
        data = _parsed(ExtendSerializer, request.data)
        task = unchanged(request, access.get_own_task(task_id))
        actions.extend_claim(task=task, hours=data["hours"])
        return _answer(task)


class Release(IdempotentView):
    """The firm gives the task back; it is open to all again."""

    needs = {"POST": "claim_tasks"}

    @extend_schema(request=ReleaseSerializer, responses=TaskDetailSerializer, parameters=[IF_MATCH, IDEMPOTENCY_KEY])
    def post(self, request: Request, task_id: UUID) -> Response:
        claim = access.get_claim(task_id, _parsed(ReleaseSerializer, request.data)["token"])
        unchanged(request, claim.task)
        actions.release_claim(claim=claim)
        return _answer(claim.task)


def _parsed(form_class: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    form = form_class(data=data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def unchanged(request: Request, task: ServiceTask) -> ServiceTask:
    """The task, if it is still the version that the caller read; the actions see to it until the commit."""
    refuse_changed(request, _etag(task), CHANGED)
    return task


def _answer(task: ServiceTask, code: int = status.HTTP_200_OK) -> Response:
    fresh = queries.tasks().get(pk=task.pk)
    return Response(TaskDetailSerializer(fresh).data, status=code, headers={"ETag": _etag(fresh)})


def _etag(task: ServiceTask) -> str:
    return f'"{task.version}"'
