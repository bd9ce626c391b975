"""Every error over HTTP is a problem detail (RFC 9457): what, where (`errors[].pointer`) and what to do."""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.apps import apps
from django.contrib.postgres.constraints import ExclusionConstraint
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError, OperationalError
from django.db.models import UniqueConstraint
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from tenants.data import FieldError, Refusal, Unauthenticated

CONTENT_TYPE = "application/problem+json"
log = logging.getLogger(__name__)


def problem(status: int, title: str, detail: str, errors: tuple[FieldError, ...] = ()) -> dict[str, Any]:
    """The body; `type` is a stable name, so a program needs not read the words."""
    body: dict[str, Any] = {
        "type": f"urn:cloudmining:problem:{title.lower().replace(' ', '-')}",
        "title": title,
        "status": status,
        "detail": _sendable(detail),
    }
    if errors:
        body["errors"] = [
            {"pointer": _sendable(error.pointer), "message": _sendable(error.message)} for error in errors
        ]
    return body


def _sendable(text: str) -> str:
    """A refusal repeats what was sent, which may hold half a surrogate: that has no UTF-8."""
    return text.encode(errors="backslashreplace").decode()


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. Returns None, and so a logged 500, only for a mistake of our own."""
    body = problem_of(error)
    if body is None:
        return None
    response = Response(body, status=body["status"], content_type=CONTENT_TYPE)
    if body["status"] == 401:
        response["WWW-Authenticate"] = "Api-Key"
    if isinstance(error, exceptions.Throttled) and error.wait:
        response["Retry-After"] = str(int(error.wait))
    return response


def problem_of(error: Exception) -> dict[str, Any] | None:
    """The body that tells of it; None for a mistake of our own."""
    match error:
        case Refusal():
            return problem(error.status, error.title, error.detail, error.errors)
        case exceptions.ValidationError():
            return problem(422, "Invalid input", "Some values are not acceptable.", tuple(_field_errors(error.detail)))
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return problem(401, Unauthenticated.title, str(error.detail))
        case exceptions.APIException():
            return problem(error.status_code, HTTPStatus(error.status_code).phrase, str(error.detail))
        case Http404():
            return problem(404, "Not found", "There is no such object, or you may not see it.")
        case PermissionDenied():
            return problem(403, "Not allowed", "This is not allowed.")
        case DjangoValidationError():
            return problem(422, "Invalid input", " ".join(error.messages))
        case IntegrityError():
            return _broken_constraint(error)
        case DataError():
            log.warning("value refused by the database: %s", error)
            return problem(422, "Invalid input", "A value is out of the range that can be stored.")
        case OperationalError():
            log.error("database unavailable: %s", error)
            return problem(503, "Service Unavailable", "The database can't be reached now; try again shortly.")
        case _:
            return None


def _broken_constraint(error: IntegrityError) -> dict[str, Any] | None:
    """The words are the constraint's own (`violation_error_message`); a constraint without words is our mistake."""
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if constraint.name == name:
                unique = isinstance(constraint, UniqueConstraint | ExclusionConstraint)
                status, title = (409, "Conflict") if unique else (422, "Invalid input")
                return problem(status, title, str(constraint.get_violation_error_message()))
    return None


def _field_errors(detail: Any, pointer: str = "") -> Iterator[FieldError]:
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from _field_errors(value, pointer if key == "non_field_errors" else f"{pointer}/{key}")
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, dict | list)
            yield from _field_errors(value, f"{pointer}/{index}" if nested else pointer)
    else:
        yield FieldError(pointer or "/", str(detail))


def problem_response(status: int, title: str, detail: str) -> JsonResponse:
    return JsonResponse(problem(status, title, detail), status=status, content_type=CONTENT_TYPE)


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    return problem_response(404, "Not found", "There is no such address.")


def server_error(request: HttpRequest) -> JsonResponse:
    return problem_response(500, "Server error", "Our mistake: it is logged. Nothing of your request was kept.")
