"""What every API view has: a capability per method and the actor's transaction around its handler."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.context import acting_as
from tenants.data import stated_purpose
from tenants.rest.preconditions import IF_MATCH, etag_of, refuse_changed, take_turns


class ActorView(APIView):
    """Authenticates first, then runs the handler inside the actor's transaction; an exception rolls it back.

    `needs` maps the HTTP method to a capability of `tenants.roles`. A handler returns a response whose data is
    already evaluated: nothing may read the database after it.

    Where there is a PATCH, the answers to it and to GET have an ETag, and PATCH honours `If-Match`.
    """

    needs: ClassVar[dict[str, str]] = {}
    # Whether everything that a handler reads is of one moment.
    repeatable: ClassVar[bool] = False
    http_method_names: ClassVar[list[str]] = ["get", "head", "post", "put", "patch", "delete"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        name = (request.method or "").lower()
        handler = getattr(self, name, None)
        if handler is not None:
            # DRF looks the handler up on the instance next; identity is known only now, hence here.
            setattr(self, name, self._in_transaction(handler))

    def _in_transaction(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def run(request: Request, *args: Any, **kwargs: Any) -> Response:
            actor = replace(
                request.auth, purpose=stated_purpose(request.headers.get("X-Purpose", request.auth.purpose))
            )
            with acting_as(actor, repeatable=self.repeatable):
                return self._conditional(handler, request, *args, **kwargs)

        return run

    def _conditional(self, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any) -> Response:
        """A refusal of another kind comes first, hence the precondition is looked at last; it rolls the change back."""
        if not hasattr(self, "patch") or request.method not in ("GET", "HEAD", "PATCH"):
            return handler(request, *args, **kwargs)
        before = None
        if request.method == "PATCH":
            take_turns(request)
        if request.method == "PATCH" and IF_MATCH in request.headers:
            before = etag_of(self.get(request, *args, **kwargs).data)
        answer = handler(request, *args, **kwargs)
        if before is not None:
            refuse_changed(request, before)
        answer["ETag"] = etag_of(answer.data)
        return answer


class ListView(ActorView, ListModelMixin, GenericAPIView):
    """A list by cursor, newest first; a subclass names `rows` (a query) and `serializer_class`."""

    rows: ClassVar[Callable[[], QuerySet[Any]]]

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):  # drf-spectacular wants the model, and has no identity
            return self.serializer_class.Meta.model.objects.none()
        return type(self).rows()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request)

    def parsed(self, request: Request) -> dict[str, Any]:
        """The validated body of a POST; a bad one raises with a pointer to each bad value."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)
