"""Files over HTTP: answers that are files, and CSV bodies."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from tenants.rest.base import ActorView

CSV = "text/csv"


def answers(kind: str) -> dict[tuple[int, str], OpenApiTypes]:
    """For the API's description."""
    return {(200, kind): OpenApiTypes.BINARY}


def file_answer(content: bytes, kind: str, name: str) -> HttpResponse:
    """The file, to be saved under a name of plain letters."""
    charset = "; charset=utf-8" if kind == CSV else ""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=kind + charset, headers=headers)


class FileView(ActorView):
    """Answers a file whatever `Accept` says; what goes wrong is told in JSON as everywhere."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        return JSONRenderer(), JSONRenderer.media_type


class CsvParser(BaseParser):
    """A CSV body as {"csv": its text}."""

    media_type = CSV

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, str]:
        raw = stream.read()
        try:
            return {"csv": raw.decode("utf-8-sig")}
        except UnicodeDecodeError as error:
            raise ParseError(f"The body is not UTF-8 (byte {error.start}): save it as UTF-8.") from error
