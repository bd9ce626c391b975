"""The transaction around a page on which somebody signs in, or cares for their own account.

allauth's views look people, second factors and sessions up as if nothing were between them and the tables. They run in
one `presenting` transaction: of the signed-in person; of the one who has given a password and owes a second factor; or
of nobody, until a look-up says whose row it wants.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from cloudmining.console.base import guarded
from tenants.api import presenting
from tenants.models import User
from tenants.people.api import is_locked


def door(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """`view` under the content policy, in the transaction of whom the request comes from; rendered inside it."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        signed_in = request.user.pk if request.user.is_authenticated else None
        halfway = None if signed_in else _halfway(request)
        with presenting(user_id=signed_in or halfway):
            if halfway and request.method == "POST" and _is_locked(request, halfway):
                return _refused(request)
            response = view(request, *args, **kwargs)
            return response.render() if hasattr(response, "render") else response

    return guarded(answer)


def _halfway(request: HttpRequest) -> UUID | None:
    """Who has given a right password in this session, and owes their second factor."""
    pending = request.session.get(LOGIN_SESSION_KEY)
    return UUID(pending["user_pk"]) if isinstance(pending, dict) and pending.get("user_pk") else None


def _is_locked(request: HttpRequest, person: UUID) -> bool:
    user = User.objects.filter(pk=person).first()
    return user is not None and is_locked(request, user)


def _refused(request: HttpRequest) -> HttpResponse:
    """axes' middleware puts its own answer in place of this one."""
    request.axes_locked_out = True
    return HttpResponse(status=429)
