from typing import Any

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.data import Actor, Forbidden, Unauthenticated


class HasCapability(BasePermission):
    """The route's first gate: the view names a capability per method in `needs`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, Actor):
            raise Unauthenticated("Sign in, or send an API key.")
        method = "GET" if request.method == "HEAD" else request.method
        if method not in view.needs:
            raise MethodNotAllowed(str(method))
        capability = view.needs[method]
        if not request.auth.can(capability):
            raise Forbidden(f"Your role does not include '{capability}'. Ask an administrator of your organisation.")
        return True
