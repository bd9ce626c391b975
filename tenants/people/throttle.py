"""Failed sign-ins, counted in the database for all processes: by person and by address (django-axes).

A wrong second factor counts like a wrong password. While locked, even the right password is refused.
"""

from typing import Any

from axes.backends import AxesStandaloneBackend
from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest

from tenants.context import presenting
from tenants.models import User
from tenants.policies import SIGN_IN


class Throttle(AxesStandaloneBackend):
    """The first backend: refuses while a person or an address is locked."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        # Without a request there is no address to lock: a command, or a test's own client.
        if request is not None:
            super().authenticate(request, **credentials)


class Counter(AxesDatabaseHandler):
    """axes' own counting, where its tables may be seen."""

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
        if request is not None:
            with presenting(credential=SIGN_IN):
                super().user_login_failed(sender, credentials, request, **kwargs)

    def user_logged_in(self, sender: Any, request: Any, user: User, **kwargs: Any) -> None:
        with presenting(credential=SIGN_IN):
            super().user_logged_in(sender, request, user, **kwargs)

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        with presenting(credential=SIGN_IN):
            return int(super().get_failures(request, credentials))


def username_of(request: Any, credentials: dict[str, Any] | None) -> str:
    """How attempts are counted together: by the address as it would be looked up."""
    given = credentials or {}
    return str(given.get("username") or given.get("email") or "").strip().lower()


def is_locked(request: HttpRequest, user: User) -> bool:
    """Whether this person, or the address they come from, has failed too often just now."""
    return not AxesProxyHandler.is_allowed(request, {"username": user.email})


def count_wrong_factor(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Receiver of allauth's `authentication_failed`."""
    user_login_failed.send(sender, credentials={"username": user.email}, request=request)
