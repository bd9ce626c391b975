from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.data import Actor, Forbidden, Unauthenticated


class HasCapability(BasePermission):
    """The route's first gate: the view names a capability per method in `needs`; a method not named there is refused."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, Actor):
            raise Unauthenticated("Sign in, or send an API key.")
        capability = view.needs.get(request.method)
        if capability is None or not request.auth.can(capability):
            raise Forbidden(f"Your role does not include '{capability}'. Ask an administrator of your organisation.")
        return True
