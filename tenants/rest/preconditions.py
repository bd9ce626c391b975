"""`ETag` and `If-Match` (RFC 9110): a change is refused if what it changes is not any more what its author read."""

import hashlib
from typing import Any

from django.db import connections
from django.utils.http import parse_etags
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from tenants.context import opened
from tenants.data import PreconditionFailed

IF_MATCH = "If-Match"


def etag_of(data: Any) -> str:
    """The strong ETag of an answer: a hash of its bytes."""
    return f'"{hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32]}"'


def refuse_changed(request: Request, etag: str, *words: str) -> None:
    """PreconditionFailed unless the caller names this ETag, any, or none at all; `words` say so to people."""
    if IF_MATCH in request.headers and not {"*", etag}.intersection(parse_etags(request.headers[IF_MATCH])):
        raise PreconditionFailed(*words)


def take_turns(request: Request) -> None:
    """Until the commit nobody else of the organisation changes what is at this address in the same way."""
    current = opened()
    with connections[current.alias].cursor() as cursor:
        address = f"{current.tenant_id} {request.path}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [address])
