"""Where a person is signed in, and how that ends: the session's row goes, and sockets opened from it close with it."""

from uuid import UUID

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from tenants.authentication import memberships_of
from tenants.bus import announce
from tenants.context import presenting
from tenants.data import Event, NotFound


def sessions_of(user_id: UUID) -> list[UserSession]:
    """Those that still open something, newest first."""
    with presenting(user_id=user_id):
        return list(open_sessions(user_id).order_by("-created_at"))


def open_sessions(user_id: UUID) -> QuerySet[UserSession]:
    """Those that still open something, inside `presenting`; rows of ended ones are dropped on the way."""
    found = UserSession.objects.filter(user=user_id)
    alive = Session.objects.filter(session_key__in=found.values("session_key")).values("session_key")
    found.exclude(session_key__in=alive).delete()
    return found


def end_session(user_id: UUID, session_id: int) -> None:
    with presenting(user_id=user_id):
        key = UserSession.objects.filter(user=user_id, pk=session_id).values_list("session_key", flat=True).first()
        if key is None:
            raise NotFound
        _end(user_id, [key])


def end_other_sessions(user_id: UUID, current_key: str | None) -> None:
    """All but the one in which this is asked."""
    with presenting(user_id=user_id):
        others = UserSession.objects.filter(user=user_id).exclude(session_key=current_key or "")
        _end(user_id, list(others.values_list("session_key", flat=True)))


def tell_session_ended(user_id: UUID) -> None:
    """Have open sockets look up whether their session is still there."""
    with presenting(user_id=user_id):
        _end(user_id, [])


def _end(user_id: UUID, keys: list[str]) -> None:
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(user=user_id, session_key__in=keys).delete()
    organisations = frozenset(membership.tenant_id for membership in memberships_of(user_id))
    if organisations:
        body = {"member": str(user_id)}
        announce(Event(kind="rights.session_ended", body=body, permission="manage_members", to=organisations))
