"""`Idempotency-Key`: a request sent again after a lost answer has its effect once and gets the same answer.

The key's row is inserted before the handler runs and committed with its effect. A second request with the same key
waits at the unique index for the first to end: committed, its answer is replayed; rolled back, the second one runs.
"""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from tenants import access
from tenants.data import FieldError, Invalid
from tenants.models import IdempotencyKey
from tenants.rest.base import ActorView
from tenants.secrets import hash_secret

HEADER = "Idempotency-Key"
KEY_CHARS = 100
KEPT_HEADERS = ("ETag", "Location")
IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, description="The same key and body again have one effect and one answer."
)


class IdempotentView(ActorView):
    """An ActorView whose POST honours `Idempotency-Key`; without the header it is an ActorView."""

    def _in_transaction(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def once(request: Request, *args: Any, **kwargs: Any) -> Response:
            key = request.headers.get(HEADER)
            if request.method != "POST" or key is None:
                return handler(request, *args, **kwargs)
            return _once(_checked(key), request, lambda: handler(request, *args, **kwargs))

        return super()._in_transaction(once)


def _once(key: str, request: Request, run: Callable[[], Response]) -> Response:
    row = IdempotencyKey(tenant_id=access.actor().tenant_id, key=key, fingerprint=_fingerprint(request))
    IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)
    stored = IdempotencyKey.objects.get(tenant=row.tenant_id, key=key)
    if stored.pk == row.pk:
        return _kept(stored, run())
    if stored.fingerprint != row.fingerprint:
        raise Invalid(f"This {HEADER} was used for another request.", (FieldError("/", "use a new key"),))
    return Response(json.loads(stored.body), stored.status, headers={**stored.headers, "Idempotent-Replayed": "true"})


def _kept(row: IdempotencyKey, answer: Response) -> Response:
    IdempotencyKey.objects.filter(pk=row.pk).update(
        status=answer.status_code,
        headers={name: answer[name] for name in KEPT_HEADERS if name in answer},
        body=json.dumps(answer.data, cls=JSONEncoder),
    )
    return answer


def _checked(key: str) -> str:
    if not (1 <= len(key) <= KEY_CHARS and key.isascii() and key.isprintable()):
        raise Invalid(f"{HEADER} is not usable.", (FieldError("/", f"give 1 to {KEY_CHARS} printable characters"),))
    return key


def _digest(file: UploadedFile) -> str:
    """Of all of it; it is read from its beginning again afterwards."""
    found = sha256()
    for chunk in file.chunks():
        found.update(chunk)
    file.seek(0)
    return found.hexdigest()


def _fingerprint(request: Request) -> str:
    files = [[name, file.name, _digest(file)] for name, sent in request.FILES.lists() for file in sent]
    said = request.data if not files else dict(request.POST.lists())
    what = [str(access.actor().user_id), request.method, request.get_full_path(), said]
    if files:
        what.append(files)
    what.append(request.headers.get("If-Match"))
    return hash_secret(json.dumps(what, sort_keys=True, cls=JSONEncoder))
