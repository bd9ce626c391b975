"""What people do about alarms. Each runs in the caller's open transaction, on the row as it is then, and announces."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from edge_bridge import access
from edge_bridge.alarm import Event, IllegalTransition, State, returned
from edge_bridge.alarms.access import get_own_alarm, get_set_aside
from edge_bridge.alarms.aside import dismiss_ends_of, settle
from edge_bridge.alarms.data import LONGEST_SHELF, MAX_COMMENT_CHARS, MAX_REASON_CHARS
from edge_bridge.alarms.re_alarming import due_after
from edge_bridge.alarms.sources import end, why_gone
from edge_bridge.alarms.steps import Steps, tell
from edge_bridge.data import AlarmKind
from edge_bridge.models import Alarm, Quarantine
from edge_bridge.protocol import AlarmEvent, Severity
from tenants.api import actor, enter, on_behalf_of
from tenants.data import Conflict, FieldError, Invalid
from tenants.people.api import members
from tenants.roles import capabilities_of


def acknowledge_alarm(*, alarm: Alarm, comment: str = "") -> Alarm:
    """Take note of an alarm, as its owner's operator or as a partner to whom acknowledging was opened.

    Raises Conflict, in words, where the alarm's state doesn't allow it.
    """
    _check_text("comment", comment, MAX_COMMENT_CHARS)
    alarm = access.get_alarm(alarm.pk, needs="acknowledge_alarms")
    who = actor()
    with _stepping(alarm) as (row, steps):
        row.acknowledged_at, row.acknowledged_by_id, row.acknowledged_for_id = steps.now, who.user_id, who.tenant_id
        steps.take(row, Event.ACKNOWLEDGED, at=steps.now, comment=comment)
        row.re_alarm_at = due_after(row, steps.now)
        tell(row, AlarmKind.ACKNOWLEDGED, steps.now)
    _enter(alarm, AlarmKind.ACKNOWLEDGED, comment=comment)
    # Not read anew: under a clause's delay a partner has to wait until they see the alarm again.
    alarm.state, alarm.acknowledged_at = row.state, row.acknowledged_at
    alarm.acknowledged_by_id, alarm.acknowledged_for_id = row.acknowledged_by_id, row.acknowledged_for_id
    return alarm


def shelve_alarm(*, alarm: Alarm, until: datetime, reason: str) -> Alarm:
    """Let it call nobody until then; it is called anew by a higher severity, or at the end while it stands."""
    _check_reason(reason)
    alarm = get_own_alarm(alarm.pk, needs="shelve_alarms")
    with _stepping(alarm) as (row, steps):
        _check_end(until, steps.now, Severity(row.severity))
        steps.take(row, Event.SHELVED, at=steps.now, comment=reason)
        row.shelved_until, row.silenced_reason = until, reason
        tell(row, AlarmKind.SHELVED, steps.now)
    _enter(alarm, AlarmKind.SHELVED, reason=reason, until=until.isoformat())
    return access.get_alarm(alarm.pk, needs="shelve_alarms")


def take_out_of_service(*, alarm: Alarm, reason: str) -> Alarm:
    """Let it call nobody until somebody returns it, whatever its condition does: its sensor is being worked on."""
    _check_reason(reason)
    alarm = get_own_alarm(alarm.pk, needs="manage_rules")
    with _stepping(alarm) as (row, steps):
        steps.take(row, Event.TAKEN_OUT_OF_SERVICE, at=steps.now, comment=reason)
        row.silenced_reason = reason
        tell(row, AlarmKind.OUT_OF_SERVICE, steps.now)
    _enter(alarm, AlarmKind.OUT_OF_SERVICE, reason=reason)
    return access.get_alarm(alarm.pk, needs="manage_rules")


def return_alarm(*, alarm: Alarm) -> Alarm:
    """End its shelf or its time out of service. What a rule suppresses returns with its cause, or with the rule."""
    alarm = get_own_alarm(alarm.pk, needs="shelve_alarms")
    with _stepping(alarm) as (row, steps):
        if row.state == State.DSUPR:
            raise Conflict("A rule suppresses this alarm; it returns when its cause has gone, or the rule ends.")
        steps.take(row, returned(standing=row.stands), at=steps.now)
        tell(row, AlarmKind.RETURNED, steps.now)
    _enter(alarm, AlarmKind.RETURNED)
    return access.get_alarm(alarm.pk, needs="shelve_alarms")


def clear_by_hand(*, alarm: Alarm, reason: str) -> Alarm:
    """End an alarm whose source is gone, so that nobody else would say that it is over; Conflict while one may."""
    _check_reason(reason)
    alarm = get_own_alarm(alarm.pk, needs="manage_rules")
    why = why_gone(alarm)
    if not why:
        raise Conflict("Its source still says whether it stands. Where the sensor is wrong, take it out of service.")
    with _stepping(alarm) as (row, steps):
        if not row.stands:
            raise Conflict("Its condition is over already.")
        end(steps, row, f"by hand, since {why}: {reason}")
    _enter(alarm, AlarmKind.CLEARED, reason=reason, since=why)
    return access.get_alarm(alarm.pk, needs="manage_rules")


def assign_alarm(*, alarm: Alarm, user_id: UUID | None) -> Alarm:
    """Give it to a member whose role sees alarms, or with None to nobody."""
    alarm = get_own_alarm(alarm.pk, needs="acknowledge_alarms")
    if user_id is not None:
        check_member(user_id, "/user")
    with _stepping(alarm) as (row, steps):
        row.assigned_to_id = user_id
        steps.note(row, "assigned", at=steps.now, comment=f"to user:{user_id}" if user_id else "to nobody")
        tell(row, AlarmKind.ASSIGNED, steps.now)
    return access.get_alarm(alarm.pk, needs="acknowledge_alarms")


def comment_alarm(*, alarm: Alarm, comment: str) -> Alarm:
    """Say something about it, for its history; also as a partner to whom commenting was opened."""
    _check_text("comment", comment, MAX_COMMENT_CHARS, least=1)
    alarm = access.get_alarm(alarm.pk, needs="comment")
    with _stepping(alarm) as (row, steps):
        steps.note(row, "commented", at=steps.now, comment=comment)
        tell(row, AlarmKind.COMMENTED, steps.now)
    return alarm


def check_member(user_id: UUID, pointer: str) -> None:
    """A member of the actor's organisation whose role sees alarms; Invalid otherwise."""
    member = members().filter(user=user_id, user__is_active=True).first()
    if member is None or "view_alarms" not in capabilities_of(frozenset(member.roles)):
        message = "name a member of your organisation whose role sees alarms"
        raise Invalid("Nobody of that name can take the alarm.", (FieldError(pointer, message),))


def dismiss_set_aside(*, entry: Quarantine, reason: str) -> Quarantine:
    """Let an alarm be that waits for a machine which will never be there, such as one under a wrong code.

    With a raising go the ends that wait behind it.
    """
    _check_reason(reason)
    entry = get_set_aside(entry.pk)
    if not Quarantine.objects.filter(pk=entry.pk, waits=True).update(waits=False):
        raise Conflict("It waits no longer: it has taken its place, or was dismissed.")
    if entry.entry["event"] == AlarmEvent.RAISED:
        dismiss_ends_of(entry)
    settle(entry.site_id, entry.tenant_id, datetime.now(UTC))
    said = {"site": entry.site_id, "equipment": entry.entry["equipment"], "type": entry.entry["alarm_type"]}
    enter(kind="alarm.dismissed", subject=entry.pk, payload={**said, "reason": reason})
    entry.waits = False
    return entry


@contextmanager
def _stepping(alarm: Alarm) -> Iterator[tuple[Alarm, Steps]]:
    """The row, locked, as its owner has it: of a partner's own reading fields may be hidden. Steps in it are kept."""
    with on_behalf_of(alarm.tenant_id):
        rows = Alarm.objects.select_related("equipment", "site").select_for_update(of=("self",))
        row, steps = rows.get(pk=alarm.pk), Steps(datetime.now(UTC))
        steps.end_shelf(row)
        try:
            yield row, steps
        except IllegalTransition as illegal:
            raise Conflict(f"This alarm can't be {illegal.event.replace('_', ' ')}: {illegal}.") from None
        steps.write()


def _enter(alarm: Alarm, kind: AlarmKind, **said: str) -> None:
    noted = {"equipment": alarm.equipment_id, **said}
    enter(kind=kind, subject=alarm.pk, payload=noted, with_tenants={alarm.tenant_id})


def _check_end(until: datetime, now: datetime, severity: Severity) -> None:
    longest = LONGEST_SHELF[severity]
    if not now < until <= now + longest:
        hours = longest.total_seconds() / 3600
        message = f"in the future, and for {severity} alarms at most {hours:.0f} h from now"
        raise Invalid("A shelf can't end then.", (FieldError("/until", message),))


def _check_reason(reason: str) -> None:
    _check_text("reason", reason, MAX_REASON_CHARS, least=3)


def _check_text(name: str, text: str, most: int, least: int = 0) -> None:
    if not least <= len(text.strip()) or len(text) > most:
        message = f"between {least} and {most} characters" if least else f"at most {most} characters"
        raise Invalid(f"The {name} has the wrong length.", (FieldError(f"/{name}", message),))
