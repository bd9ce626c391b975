"""What Django shows when a request ends outside of any view: a problem detail for programs, a page for people."""

from django.http import HttpRequest, HttpResponse

from cloudmining.console.base import problem_page
from tenants.rest import problems

API = "/api/"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        return problems.not_found(request, exception)
    return problem_page(404, "Not found", "There is no such page.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_page(403, "Not allowed", str(exception) or "This is not allowed.")


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith(API):
        return problems.server_error(request)
    return problem_page(500, "Server error", "Our mistake: it is logged. Nothing of your request was kept.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    detail = "The form was too old, or cookies are blocked. Nothing was changed: go back, reload the page, try again."
    return problem_page(403, "Form expired", f"{detail} ({reason})")
