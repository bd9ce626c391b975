"""Archives of the organisation, and its closing, over HTTP."""

from collections.abc import AsyncIterator
from typing import IO
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.data import Conflict
from tenants.organisation import closing, exports, queries
from tenants.organisation.serializers import (
    ClosureSerializer,
    ExportSerializer,
    NewClosureSerializer,
    StandingClosureSerializer,
)
from tenants.rest.base import ActorView, ListView
from tenants.rest.files import FileView, answers

CHUNK_BYTES = 1_000_000
ZIP = "application/zip"


class ExportList(ListView):
    needs = {"GET": exports.NEEDS, "POST": exports.NEEDS}
    serializer_class = ExportSerializer
    rows = staticmethod(queries.exports)

    @extend_schema(request=None, responses={202: ExportSerializer})
    def post(self, request: Request) -> Response:
        return Response(ExportSerializer(exports.request_export()).data, status=202)


class ExportDetail(ActorView):
    needs = {"GET": exports.NEEDS}

    @extend_schema(responses=ExportSerializer)
    def get(self, request: Request, export_id: UUID) -> Response:
        return Response(ExportSerializer(exports.get_export(export_id)).data)


class ExportCancel(ActorView):
    needs = {"POST": exports.NEEDS}

    @extend_schema(request=None, responses=ExportSerializer)
    def post(self, request: Request, export_id: UUID) -> Response:
        export = exports.get_export(export_id)
        exports.cancel_export(export=export)
        return Response(ExportSerializer(export).data)


class ExportArchive(FileView):
    """The archive itself. POST, since it is handed out once."""

    needs = {"POST": exports.NEEDS}

    @extend_schema(request=None, responses=answers(ZIP))
    def post(self, request: Request, export_id: UUID) -> StreamingHttpResponse:
        export = exports.get_export(export_id)
        return archive_answer(exports.fetch_export(export=export), export_id, export.size_bytes or 0)


class ClosureView(ActorView):
    """The organisation's closing: ask for it, look at it, take it back."""

    needs = {"GET": exports.NEEDS, "POST": exports.NEEDS, "DELETE": exports.NEEDS}

    @extend_schema(responses=StandingClosureSerializer)
    def get(self, request: Request) -> Response:
        return Response(StandingClosureSerializer({"closure": queries.closure()}).data)

    @extend_schema(request=NewClosureSerializer, responses={201: ClosureSerializer})
    def post(self, request: Request) -> Response:
        form = NewClosureSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(ClosureSerializer(closing.request_closure(**form.validated_data)).data, status=201)

    @extend_schema(responses=ClosureSerializer)
    def delete(self, request: Request) -> Response:
        closure = queries.closure()
        if closure is None:
            raise Conflict("The organisation is not closing.")
        closing.withdraw_closure(closure=closure)
        return Response(ClosureSerializer(closure).data)


def archive_answer(archive: IO[bytes], export_id: UUID, size_bytes: int) -> StreamingHttpResponse:
    """The file piece by piece, so that a large one is never in memory."""
    headers = {
        "Content-Disposition": f'attachment; filename="organisation-{export_id}.zip"',
        "Content-Length": size_bytes,
    }
    return StreamingHttpResponse(_pieces(archive), content_type=ZIP, headers=headers)


async def _pieces(archive: IO[bytes]) -> AsyncIterator[bytes]:
    with archive:
        while piece := await sync_to_async(archive.read)(CHUNK_BYTES):
            yield piece
