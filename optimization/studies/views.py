"""Experiments over HTTP: parse, one action or query, render."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from optimization.experiments.store import csv_of
from optimization.experiments.studies import figures_of, kinds
from optimization.models import Experiment
from optimization.studies import access, actions, queries
from optimization.studies.serializers import (
    ExperimentRequestSerializer,
    ExperimentSerializer,
    FiguresOfStudySerializer,
    KindsSerializer,
    ResultsSerializer,
)
from tenants.data import Conflict
from tenants.rest.base import ActorView, ListView
from tenants.rest.files import CSV, FileView, answers, file_answer
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView


class ExperimentList(IdempotentView, ListView):
    needs = {"GET": "view_plans", "POST": "run_plans"}
    serializer_class = ExperimentSerializer
    rows = staticmethod(queries.experiments)

    @extend_schema(
        request=ExperimentRequestSerializer, parameters=[IDEMPOTENCY_KEY], responses={202: ExperimentSerializer}
    )
    def post(self, request: Request) -> Response:
        """Ask for a study of a plan's instance or of generated ones. Follow it on the feed or at its `Location`."""
        form = ExperimentRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        run = actions.request_study(**form.validated_data)
        where = reverse("experiment-detail", args=[run.pk])
        return Response(ExperimentSerializer(run).data, status=202, headers={"Location": where})


class ExperimentKinds(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=KindsSerializer)
    def get(self, request: Request) -> Response:
        """The studies there are, and what each shows."""
        return Response({"kinds": kinds()})


class ExperimentDetail(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=ExperimentSerializer)
    def get(self, request: Request, experiment_id: UUID) -> Response:
        return Response(ExperimentSerializer(access.get_experiment(experiment_id)).data)


class ExperimentResults(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=ResultsSerializer)
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """Rows, and what they show in a sentence a figure; of a cancelled study those that were whole."""
        return Response(_summary(access.get_experiment(experiment_id)))


class ExperimentCsv(FileView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=answers(CSV))
    def get(self, request: Request, experiment_id: UUID) -> HttpResponse:
        """The rows as a table; what is a list stays in the JSON."""
        run = access.get_experiment(experiment_id)
        return file_answer(csv_of(_summary(run)["rows"]).encode("utf-8-sig"), CSV, f"{run.kind}-{run.pk}.csv")


class ExperimentFigures(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=FiguresOfStudySerializer)
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """Plotly specifications by their names; each title says what the figure shows."""
        run = access.get_experiment(experiment_id)
        rows = _summary(run)["rows"]
        return Response({"figures": figures_of(run.kind, rows) if rows else {}})


class ExperimentCancel(ActorView):
    needs = {"POST": "run_plans"}

    @extend_schema(request=None, responses=ExperimentSerializer)
    def post(self, request: Request, experiment_id: UUID) -> Response:
        """Cancel it: at once if it waits, within about a second if it runs."""
        run = access.get_experiment(experiment_id, needs="run_plans")
        actions.cancel_study(run=run)
        return Response(ExperimentSerializer(run).data)


def _summary(run: Experiment) -> dict[str, Any]:
    if run.summary is None:
        raise Conflict(f"There are no results to show: it is {run.status}.")
    return dict(run.summary)
