"""Grade samples and sets over HTTP: parse, one action or query, render."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from optimization.actions import told_as_invalid
from optimization.data import InstanceError, Problem
from optimization.grades import access, actions, queries
from optimization.grades.serializers import (
    BatchSerializer,
    CsvOptionsSerializer,
    EvidenceSerializer,
    FiguresSerializer,
    FitRequestSerializer,
    GradeSetDetailSerializer,
    GradeSetSerializer,
    RetestSerializer,
    SamplesSerializer,
    StoredBatchSerializer,
)
from optimization.models import GradeSet, SampleBatch
from optimization.uncertainty.figures import figures_of, plot_data
from optimization.uncertainty.mines import sets_of
from optimization.uncertainty.samples import ALL, NAMES, Sample, read_samples, samples_kept, samples_of_rows
from optimization.workbook.csv_tables import csv_bytes
from tenants.rest.base import ActorView, ListView
from tenants.rest.files import CSV, CsvParser, FileView, answers, file_answer
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView
from tenants.rest.parsers import StrictJSONParser

MOST_RETESTS = 50
FIELDS, PLACE = (*NAMES, "time", "value"), ("mine", "element", "location", "cutoff", "n")


class BatchList(IdempotentView, ListView):
    needs = {"GET": "view_plans", "POST": "manage_grades"}
    serializer_class = BatchSerializer
    parser_classes = [StrictJSONParser, CsvParser]
    rows = staticmethod(queries.batches)

    @extend_schema(
        request={"application/json": SamplesSerializer, CSV: OpenApiTypes.STR},
        parameters=[CsvOptionsSerializer, IDEMPOTENCY_KEY],
        responses={200: StoredBatchSerializer, 201: StoredBatchSerializer},
    )
    def post(self, request: Request) -> Response:
        """Send samples, as JSON or CSV; with a CSV the options stand in the address.

        The newest sets that have their places are held against them at once. The same samples again are told as known.
        """
        source, samples = _read(request)
        batch, is_known = actions.add_samples(source=source, samples=samples)
        body = _stored(batch, samples) | {"is_known": is_known}
        where = reverse("grade-sample-detail", args=[batch.pk])
        return Response(body, status=200 if is_known else 201, headers={"Location": where})


class BatchDetail(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=StoredBatchSerializer)
    def get(self, request: Request, batch_id: UUID) -> Response:
        batch = access.get_batch(batch_id)
        return Response(_stored(batch, samples_kept(batch.samples)))


class BatchCsv(FileView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=answers(CSV))
    def get(self, request: Request, batch_id: UUID) -> HttpResponse:
        """The samples as they are kept; grades are fractions."""
        batch = access.get_batch(batch_id)
        rows = [[row.get(name) for name in FIELDS] for row in batch.samples]
        return file_answer(csv_bytes(FIELDS, rows), CSV, f"grade-samples-{batch.pk}.csv")


class SetList(IdempotentView, ListView):
    """Versions of sets, newest first; those of one name with `name`."""

    needs = {"GET": "view_plans", "POST": "manage_grades"}
    serializer_class = GradeSetSerializer
    queryset = GradeSet.objects.none()  # names the model to the schema's generator, which has no identity

    def get_queryset(self) -> QuerySet[GradeSet]:
        name = self.request.query_params.get("name")
        return queries.sets() if name is None else queries.sets().filter(name=name)

    @extend_schema(parameters=[OpenApiParameter("name", str)], responses=GradeSetSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)

    @extend_schema(
        request=FitRequestSerializer, parameters=[IDEMPOTENCY_KEY], responses={201: GradeSetDetailSerializer}
    )
    def post(self, request: Request) -> Response:
        """Fit a set to samples by the evidence chain. A version never changes; the same name again is the next one."""
        form = FitRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        chosen = form.validated_data
        made = actions.fit_set(
            name=chosen["name"],
            settings=form.fit_settings(),
            asked=dict(chosen["settings"]),
            batch_ids=chosen["batches"],
        )
        return Response(_detail(made), status=201, headers={"Location": reverse("grade-set-detail", args=[made.pk])})


class SetDetail(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=GradeSetDetailSerializer)
    def get(self, request: Request, grade_set_id: UUID) -> Response:
        return Response(_detail(access.get_set(grade_set_id)))


class SetEvidence(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=EvidenceSerializer)
    def get(self, request: Request, grade_set_id: UUID) -> Response:
        return Response(EvidenceSerializer(access.get_set(grade_set_id).evidence).data)


class SetFigures(ActorView):
    needs = {"GET": "view_plans"}

    @extend_schema(responses=FiguresSerializer)
    def get(self, request: Request, grade_set_id: UUID) -> Response:
        """The samples with the set drawn over them, and the tests of the means, as Plotly figures and as numbers."""
        grade_set = access.get_set(grade_set_id)
        held, samples = sets_of(grade_set.evidence), queries.samples_of(grade_set.batch_ids)
        return Response({"figures": figures_of(held, samples), "places": list(plot_data(held, samples))})


def _read(request: Request) -> tuple[str, tuple[Sample, ...]]:
    """The batch's source and its samples; Invalid with the places of bad values."""
    with told_as_invalid("The samples can't be read as they are."):
        return _read_csv(request) if str(request.content_type).startswith(CSV) else _read_json(request)


def _read_csv(request: Request) -> tuple[str, tuple[Sample, ...]]:
    form = CsvOptionsSerializer(data=request.query_params)
    form.is_valid(raise_exception=True)
    text, chosen = request.data.get("csv", ""), form.validated_data
    _require_bearable(text.count("\n") - 1, "/rows")
    samples = read_samples(text, form.columns(), in_percent=chosen["in_percent"])
    return chosen["source"], _named(samples, chosen["mine"], chosen["element"])


def _read_json(request: Request) -> tuple[str, tuple[Sample, ...]]:
    form = SamplesSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    chosen = form.validated_data
    rows = chosen["samples"]
    if not isinstance(rows, list):
        raise InstanceError([Problem("/samples", "must be a list of samples")])
    _require_bearable(len(rows), "/samples")
    samples = samples_of_rows(rows, in_percent=chosen["in_percent"])
    return chosen["source"], _named(samples, chosen["mine"], chosen["element"])


def _require_bearable(n_rows: int, where: str) -> None:
    """Before anything is made of the rows."""
    most = actions.MAX_SAMPLES
    if n_rows > most:
        raise InstanceError([Problem(where, f"has {n_rows:,} rows: at most {most:,} at once; send them in parts")])


def _named(samples: Sequence[Sample], mine: str, element: str) -> tuple[Sample, ...]:
    """With the names that hold for the whole batch; a sample of no mine could never reach a plan."""
    if not mine and any(sample.mine == ALL for sample in samples):
        raise InstanceError([Problem("/mine", "is missing here and in some rows: name the mine as your plans do")])
    return tuple(replace(s, mine=mine if s.mine == ALL else s.mine, element=s.element or element) for s in samples)


def _stored(batch: SampleBatch, samples: Sequence[Sample]) -> dict[str, Any]:
    counts = Counter((s.mine, s.element, s.location, s.cutoff) for s in samples)
    places = [dict(zip(PLACE, (*place, n), strict=True)) for place, n in sorted(counts.items())]
    retests = queries.retests(batch=batch)[:MOST_RETESTS]
    told = RetestSerializer(retests, many=True).data
    return {**BatchSerializer(batch).data, "is_known": True, "places": places, "retests": told}


def _detail(grade_set: GradeSet) -> dict[str, Any]:
    evidence = grade_set.evidence
    retests = queries.retests(grade_set=grade_set)[:MOST_RETESTS]
    return {
        **GradeSetSerializer(grade_set).data,
        **{name: evidence[name] for name in ("coverage", "n_samples", "samples_sha256", "code")},
        "sets": grade_set.document["sets"],
        "is_newest": queries.newest_sets().filter(pk=grade_set.pk).exists(),
        "retests": RetestSerializer(retests, many=True).data,
    }
