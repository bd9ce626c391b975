"""What stands in a member's calendar, under their identity."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet

from marketplace.calendars import deadlines
from marketplace.calendars.ics import Appointment
from marketplace.models import Assignment, CalendarAddress, RemoteSession
from marketplace.sessions.lifecycle import LIVE, SessionState
from tenants.api import actor

DEADLINES = (
    deadlines.leases,
    deadlines.ends_of_bidding,
    deadlines.standstills,
    deadlines.milestones,
    deadlines.ends_of_papers,
)


def own_address() -> CalendarAddress | None:
    """The one under which the actor's calendar is read now."""
    return CalendarAddress.objects.filter(user=actor().user_id, revoked_at=None).first()


def appointments(*, of_crew: bool = False) -> list[Appointment]:
    """The actor's own assignments, the sessions of both, and what their organisation must not miss.

    `of_crew`: the assignments and sessions of all its people, with their names, for who may see the people.
    """
    crew = of_crew and actor().can("view_resources")
    return [*_assignments(crew), *_sessions(crew), *(each for found in DEADLINES for each in found())]


def _assignments(of_crew: bool) -> Iterator[Appointment]:
    me = actor()
    mine = Assignment.objects.filter(tenant=me.tenant_id, released_at=None)
    mine = mine if of_crew else mine.filter(person__user=me.user_id)
    of_sessions = set(_live_sessions().filter(assigned_for_it=True).values_list("assignment_id", flat=True))
    for row in mine.select_related("task").order_by("-pk")[: deadlines.MOST]:
        if row.pk in of_sessions:
            continue  # it is there as a session
        uid = deadlines.uid("assignment", row.pk)
        summary = f"{row.person_name}: {row.task.title}" if of_crew else row.task.title
        yield Appointment(uid, summary, row.from_at, row.to_at, deadlines.place(row.task))


def _sessions(of_crew: bool) -> Iterator[Appointment]:
    """For every member of the buyer's organisation, and for the expert."""
    found = _live_sessions()
    if not of_crew:
        me = actor()
        mine = Assignment.objects.filter(person__user=me.user_id)
        found = found.filter(Q(tenant=me.tenant_id) | Q(assignment_id__in=mine.values("pk")))
    for row in found.select_related("contract").order_by("from_at", "pk")[: deadlines.MOST]:
        words = f"Remote session: {row.subject}" + (" (proposed)" if row.state == SessionState.PROPOSED else "")
        parties = f"{row.contract.firm_name} for {row.contract.owner_name}, {row.contract.title}"
        yield Appointment(deadlines.uid("session", row.pk), words, row.from_at, row.to_at, parties)


def _live_sessions() -> QuerySet[RemoteSession]:
    me = actor().tenant_id
    return RemoteSession.objects.filter(Q(tenant=me) | Q(firm=me), state__in=LIVE)
