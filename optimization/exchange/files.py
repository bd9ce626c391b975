"""Files over HTTP that take seconds to make."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from tenants.rest.files import FileView, file_answer

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ZIP = "application/zip"


@dataclass(frozen=True, slots=True)
class Fetched:
    """All that a file is made of; `make` needs nothing of the database any more."""

    make: Callable[[], bytes]
    kind: str
    name: str


class LargeFileView(FileView):
    """A handler answers what it `Fetched`; the file, which may take seconds, is made after the transaction."""

    def _in_transaction(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        fetch = super()._in_transaction(handler)

        def answer(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
            fetched: Any = fetch(request, *args, **kwargs)
            return file_answer(fetched.make(), fetched.kind, fetched.name)

        return answer
