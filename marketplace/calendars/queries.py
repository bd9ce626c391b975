"""What stands in a member's calendar, under their identity."""

from collections.abc import Iterator

from marketplace.calendars import deadlines
from marketplace.calendars.ics import Appointment
from marketplace.models import Assignment, CalendarAddress
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


def appointments() -> list[Appointment]:
    """The actor's own assignments, and what their organisation must not miss."""
    return [*_assignments(), *(each for found in DEADLINES for each in found())]


def _assignments() -> Iterator[Appointment]:
    me = actor()
    mine = Assignment.objects.filter(tenant=me.tenant_id, person__user=me.user_id, released_at=None)
    for row in mine.select_related("task").order_by("-pk")[: deadlines.MOST]:
        uid = deadlines.uid("assignment", row.pk)
        yield Appointment(uid, row.task.title, row.from_at, row.to_at, deadlines.place(row.task))
