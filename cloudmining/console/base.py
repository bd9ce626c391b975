"""What every page has: a strict content policy, and for members' pages the actor's transaction around them."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

from django.contrib.auth.views import redirect_to_login
from django.db import DataError, IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.views import View
from django_htmx.http import HttpResponseClientRedirect

from cloudmining.console.sections import groups_for
from tenants.api import acting_as, feed_head, tenants
from tenants.data import Forbidden, Refusal, Unauthenticated
from tenants.rest.authentication import actor_of_session
from tenants.rest.problems import problem_of
from tenants.sharing.api import purposes_in_force

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def guarded(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Nothing runs on the page that we didn't serve as a file, and no browser keeps the page after signing out."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(*args, **kwargs)
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        response["Cache-Control"] = "private, no-store"
        return response

    return answer


class Guarded(View):
    """A page under the content policy."""

    @classmethod
    def as_view(cls, **initial: Any) -> Callable[..., HttpResponseBase]:
        return guarded(super().as_view(**initial))


class MemberPage(Guarded):
    """A page for one organisation. `needs` maps the HTTP method to a capability of `tenants.roles`.

    The handler and the rendering of what it returns run in one transaction of the actor; a refusal rolls it back.
    """

    needs: ClassVar[dict[str, str]] = {}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # The user is looked up here, before the actor's transaction opens: identities don't nest.
        if not request.user.is_authenticated:
            return _to_login(request)
        try:
            self.actor = actor_of_session(request, request.user.pk)
        except Unauthenticated:
            return redirect("choose-organisation")
        try:
            with acting_as(self.actor):
                return self._handled(request, *args, **kwargs)
        except Refusal as refusal:
            return _refused(refusal, _came_from(request))
        except (IntegrityError, DataError) as error:
            return _refused_by_the_database(error, _came_from(request))

    def _handled(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        needed = self.needs.get("GET" if request.method == "HEAD" else request.method or "")
        if needed is None:
            return self.http_method_not_allowed(request)
        if not self.actor.can(needed):
            raise Forbidden(f"Your role does not include '{needed}'. Ask an administrator of your organisation.")
        response = super().dispatch(request, *args, **kwargs)
        return response.render() if isinstance(response, TemplateResponse) else response

    def page(self, template: str, *, tab: str = "", **context: Any) -> TemplateResponse:
        """The template with what every page shows; `tab` is the url name of the tab it stands in, see `sections`."""
        organisation = tenants().get(pk=self.actor.tenant_id)
        groups = groups_for(self.actor)
        common = {
            "organisation": organisation,
            "roles": sorted(self.actor.roles),
            "groups": groups,
            "group": next((name for name, tabs in groups.items() for each in tabs if each.url_name == tab), ""),
            "tab": tab,
            "purposes": sorted({*purposes_in_force(), self.actor.purpose} - {""}),
            "purpose": self.actor.purpose,
        }
        if tab and "head" not in context:
            common["head"] = feed_head()  # the page's cursor; one that follows the feed reads it before its rows
        return TemplateResponse(self.request, template, common | context)


def problem_page(status: int, title: str, detail: str, came_from: str = "") -> HttpResponse:
    """A refusal as a page of its own. It reads no database, so that it can speak of a broken one."""
    body = render_to_string("console/problem.html", {"title": title, "detail": detail, "came_from": came_from})
    return guarded(HttpResponse)(body, status=status)


def _refused_by_the_database(error: IntegrityError | DataError, came_from: str) -> HttpResponse:
    """In the words of the constraint, as over HTTP; one that has none is our mistake."""
    told = problem_of(error)
    if told is None:
        raise error
    return problem_page(told["status"], told["title"], told["detail"], came_from)


def _to_login(request: HttpRequest) -> HttpResponse:
    if not request.htmx:
        return redirect_to_login(request.get_full_path())
    page = urlsplit(request.htmx.current_url or "/").path
    return HttpResponseClientRedirect(redirect_to_login(page).url)


def _refused(refusal: Refusal, came_from: str) -> HttpResponse:
    """In words, as a page; htmx takes the words out of it and shows them on the page that asked."""
    return problem_page(refusal.status, refusal.title, refusal_words(refusal), came_from)


def refusal_words(refusal: Refusal) -> str:
    """What was refused, and which field is how wrong."""
    places = "; ".join(f"{error.pointer.strip('/')}: {error.message}" for error in refusal.errors)
    return f"{refusal.detail} ({places})" if places else refusal.detail


def _came_from(request: HttpRequest) -> str:
    """The page of ours whose form was sent; nothing for what was only looked at."""
    place = urlsplit(request.headers.get("Referer", ""))
    if request.method != "POST" or place.netloc != request.get_host():
        return ""
    return urlunsplit(("", "", place.path, place.query, ""))
