"""From the criteria of a tender to its comparison over HTTP: openers, opening, evaluation."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace import access as tasks
from marketplace import queries as task_queries
from marketplace.bids import access, awarding, opening, queries
from marketplace.models import ServiceTask
from marketplace.rest.bid_serializers import (
    BidComparisonSerializer,
    BidReasonSerializer,
    CriteriaSerializer,
    PassphraseSerializer,
    TenderSerializer,
)
from marketplace.rest.serializers import TaskDetailSerializer
from marketplace.rest.views import IF_MATCH, unchanged
from tenants.rest.base import ActorView
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView


class Criteria(ActorView):
    """By what bids are judged: read by all who may bid, written before publishing."""

    needs = {"GET": "view_tasks", "PUT": "post_tasks"}

    @extend_schema(responses=CriteriaSerializer)
    def get(self, request: Request, task_id: UUID) -> Response:
        return self._shown(tasks.get_task(task_id))

    @extend_schema(request=CriteriaSerializer, responses=CriteriaSerializer, parameters=[IF_MATCH])
    def put(self, request: Request, task_id: UUID) -> Response:
        form, task = CriteriaSerializer(data=request.data), unchanged(request, tasks.get_own_task(task_id))
        form.is_valid(raise_exception=True)
        awarding.set_criteria(task=task, criteria=form.checked)
        return self._shown(task)

    def _shown(self, task: ServiceTask) -> Response:
        body = CriteriaSerializer({"criteria": queries.criteria_of(task)}).data
        return Response(body, headers={"ETag": f'"{task.version}"'})


class Openers(ActorView):
    """Those who open the bids. A POST registers the actor, a DELETE takes that back; both before publishing."""

    needs = {"GET": "post_tasks", "POST": "post_tasks", "DELETE": "post_tasks"}

    @extend_schema(responses=TenderSerializer)
    def get(self, request: Request, task_id: UUID) -> Response:
        task = access.get_tender(task_id)
        opening.close_if_overdue(task)
        return _tender(task)

    @extend_schema(request=PassphraseSerializer, responses={201: TenderSerializer})
    def post(self, request: Request, task_id: UUID) -> Response:
        task, form = access.get_tender(task_id), PassphraseSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        opening.register_opener(task=task, passphrase=form.validated_data["passphrase"])
        return _tender(task, status.HTTP_201_CREATED)

    @extend_schema(responses=TenderSerializer)
    def delete(self, request: Request, task_id: UUID) -> Response:
        task = access.get_tender(task_id)
        opening.dismiss_opener(task=task)
        return _tender(task)


class OpenBids(ActorView):
    """An opener's part; with as many as are needed the bids are open."""

    needs = {"POST": "post_tasks"}

    @extend_schema(request=PassphraseSerializer, responses=TenderSerializer)
    def post(self, request: Request, task_id: UUID) -> Response:
        task, form = access.get_tender(task_id), PassphraseSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        opening.give_passphrase(task=task, passphrase=form.validated_data["passphrase"])
        return _tender(task)


class OwnerStep(IdempotentView):
    """The bids are judged from now on; or the award, its standstill over, becomes a contract."""

    needs = {"POST": "post_tasks"}
    steps: ClassVar[dict[str, Any]] = {"evaluate": awarding.start_evaluation, "conclude": awarding.conclude_award}
    step = ""

    @extend_schema(request=None, responses=TaskDetailSerializer, parameters=[IF_MATCH, IDEMPOTENCY_KEY])
    def post(self, request: Request, task_id: UUID) -> Response:
        task = unchanged(request, tasks.get_own_task(task_id))
        self.steps[self.step](task=task)
        return _task(task)


class Fail(IdempotentView):
    """No bid was acceptable; every firm is told why."""

    needs = {"POST": "post_tasks"}

    @extend_schema(request=BidReasonSerializer, responses=TaskDetailSerializer, parameters=[IF_MATCH, IDEMPOTENCY_KEY])
    def post(self, request: Request, task_id: UUID) -> Response:
        task, form = unchanged(request, tasks.get_own_task(task_id)), BidReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        awarding.fail_task(task=task, reason=form.validated_data["reason"])
        return _task(task)


class Comparison(ActorView):
    """Bids that stand, held against one another by the task's criteria."""

    needs = {"GET": "post_tasks"}

    @extend_schema(responses=BidComparisonSerializer)
    def get(self, request: Request, task_id: UUID) -> Response:
        task = tasks.get_own_task(task_id)
        rows = [_compared(row, task) for row in queries.comparison(task)]
        return Response(BidComparisonSerializer({"currency": task.currency, "bids": rows}).data)


def _compared(row: queries.Row, task: ServiceTask) -> dict[str, Any]:
    about = {"bid": row.bid.pk, "firm_name": row.bid.firm_name, "state": row.bid.state}
    offered = {"price_minor": row.content.price_minor, "delivery_d": row.content.delivery_d}
    return {**about, **offered, "valid_until": row.valid_until, **queries.outcome_of(row, task)}


def _tender(task: ServiceTask, code: int = status.HTTP_200_OK) -> Response:
    shown = {
        "needed": task.openers_needed,
        "openers": queries.openers(task.pk),
        "openings": queries.openings(task.pk),
        "missing": queries.missing(task),
    }
    return Response(TenderSerializer(shown).data, status=code)


def _task(task: ServiceTask) -> Response:
    fresh = task_queries.tasks().get(pk=task.pk)
    return Response(TaskDetailSerializer(fresh).data, headers={"ETag": f'"{fresh.version}"'})
