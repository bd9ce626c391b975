"""Files, questions and the open-contracting release of a task, over HTTP."""

from typing import Any
from uuid import UUID

from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ParseError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.access import get_own_task, get_task
from marketplace.desk import access, actions, queries
from marketplace.desk.data import FILE_BYTES
from marketplace.desk.ocds import package_of
from marketplace.models import TaskAttachment
from marketplace.rest.desk_serializers import (
    AttachmentSerializer,
    AttachSerializer,
    OcdsSerializer,
    QuestionSerializer,
    ReleasesSerializer,
    WordsSerializer,
)
from tenants.api import own_names
from tenants.data import FieldError, Invalid
from tenants.rest.base import ActorView
from tenants.rest.idempotency import IDEMPOTENCY_KEY, IdempotentView
from tenants.rest.parsers import StrictJSONParser


class FormParser(MultiPartParser):
    """A form with files; a broken one is a bad request."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type=media_type, parser_context=parser_context)
        except SuspiciousOperation as error:
            raise ParseError(f"The form is not acceptable: {error}") from error


class AttachmentList(IdempotentView):
    """The files beside a task; its owner adds one to a draft or open task, as the form field `file`."""

    needs = {"GET": "view_tasks", "POST": "post_tasks"}
    parser_classes = [FormParser, StrictJSONParser]

    @extend_schema(responses=AttachmentSerializer(many=True))
    def get(self, request: Request, task_id: UUID) -> Response:
        found = queries.attachments_of(get_task(task_id))
        return Response(AttachmentSerializer(found, many=True).data)

    @extend_schema(
        request={"multipart/form-data": AttachSerializer},
        responses={201: AttachmentSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, task_id: UUID) -> Response:
        task, files = get_own_task(task_id), request.FILES.getlist("file")
        if len(files) != 1:
            raise Invalid("There is no file.", (FieldError("/file", "send one, as the form field 'file'"),))
        found = actions.attach(task=task, name=files[0].name or "", content=files[0].read(FILE_BYTES + 1))
        return Response(AttachmentSerializer(found).data, status=status.HTTP_201_CREATED)


class AttachmentDetail(ActorView):
    """The file itself; the owner of a draft takes it away."""

    needs = {"GET": "view_tasks", "DELETE": "post_tasks"}

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, task_id: UUID, attachment_id: UUID) -> HttpResponse:
        return file_answer(access.get_attachment(task_id, attachment_id))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, task_id: UUID, attachment_id: UUID) -> Response:
        actions.detach(attachment=access.get_own_attachment(task_id, attachment_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class QuestionList(IdempotentView):
    """Questions about a task with their answers; another organisation asks while the task is open."""

    needs = {"GET": "view_tasks", "POST": "claim_tasks"}

    @extend_schema(responses=QuestionSerializer(many=True))
    def get(self, request: Request, task_id: UUID) -> Response:
        found = queries.questions_about(get_task(task_id))
        return Response(QuestionSerializer(found, many=True).data)

    @extend_schema(request=WordsSerializer, responses={201: QuestionSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, task_id: UUID) -> Response:
        task = get_task(task_id, needs="claim_tasks")
        question = actions.ask(task=task, text=_text(request))
        fresh = queries.questions_about(task).get(pk=question.pk)
        return Response(QuestionSerializer(fresh).data, status=status.HTTP_201_CREATED)


class AnswerQuestion(IdempotentView):
    """The owner answers once, for all who may read the task."""

    needs = {"POST": "post_tasks"}

    @extend_schema(request=WordsSerializer, responses=QuestionSerializer, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, task_id: UUID, question_id: UUID) -> Response:
        question = access.get_own_question(task_id, question_id)
        actions.answer(question=question, text=_text(request))
        return Response(QuestionSerializer(access.get_own_question(task_id, question_id)).data)


class OcdsRelease(ActorView):
    """The task as a release package of the Open Contracting Data Standard 1.1, of what the reader may read."""

    needs = {"GET": "view_tasks"}

    @extend_schema(responses=OcdsSerializer)
    def get(self, request: Request, task_id: UUID) -> Response:
        told = queries.told_of(get_task(task_id))
        publisher = told.task.snapshot["owner_name"]
        return Response(package_of([told], request.build_absolute_uri(request.path), publisher))


class OcdsReleases(ActorView):
    """The organisation's own published tasks as release packages of the Open Contracting Data Standard 1.1, the newest
    first; `links.next` leads to the next package."""

    needs = {"GET": "view_tasks"}

    @extend_schema(
        operation_id="service_tasks_releases_retrieve", parameters=[ReleasesSerializer], responses=OcdsSerializer
    )
    def get(self, request: Request) -> Response:
        asked = ReleasesSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = queries.released(asked.validated_data.get("before"))
        told = [queries.told_of(task) for task in found[: queries.RELEASES]]
        path = request.build_absolute_uri(request.path)
        older = f"{path}?before={told[-1].task.pk}" if len(found) > queries.RELEASES else ""
        return Response(package_of(told, request.build_absolute_uri(), own_names().organisation, older))


def file_answer(attachment: TaskAttachment) -> HttpResponse:
    """To be saved, never shown: no browser may take it for a page of ours."""
    headers = {
        "Content-Disposition": str(content_disposition_header(True, attachment.name)),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return HttpResponse(bytes(attachment.content), content_type=attachment.media_type, headers=headers)


def _text(request: Request) -> str:
    form = WordsSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    return str(form.validated_data["text"])
