"""Where one is signed in, over HTTP: for the person in one of these sessions, and for no key."""

from collections.abc import Callable
from typing import Any

from allauth.usersessions.models import UserSession
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.context import presenting
from tenants.data import Forbidden
from tenants.people.serializers import SessionSerializer
from tenants.people.sessions import end_other_sessions, end_session, open_sessions
from tenants.rest.base import ActorView, ListView


class OwnView(ActorView):
    """About the person, whatever the organisation: the handler runs in their own transaction."""

    def _in_transaction(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def run(request: Request, *args: Any, **kwargs: Any) -> Response:
            if request.user is None:
                raise Forbidden("Sessions are their person's own: sign in, a key can't see or end them.")
            with presenting(user_id=request.user.pk):
                return handler(request, *args, **kwargs)

        return run


class SessionList(OwnView, ListView):
    """One's own, newest first; `is_current` is the one that asks."""

    needs = {"GET": "view_registry", "DELETE": "view_registry"}
    serializer_class = SessionSerializer
    queryset = UserSession.objects.none()  # names the model to the schema's generator, which has no identity

    def get_queryset(self) -> QuerySet[UserSession]:
        return open_sessions(self.request.user.pk)

    @extend_schema(operation_id="sessions_end_others", responses={204: None})
    def delete(self, request: Request) -> Response:
        """End all but the one that asks; what they follow live stops with them."""
        end_other_sessions(request.user.pk, request.session.session_key)
        return Response(status=204)


class SessionDetail(OwnView):
    needs = {"DELETE": "view_registry"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, session_id: int) -> Response:
        end_session(request.user.pk, session_id)
        return Response(status=204)
