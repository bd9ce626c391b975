"""What people decide and say about production. Each runs in the caller's open transaction."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from edge_bridge.models import PlannedRate, ShiftHandover, ShiftRow, StopCorrection
from edge_bridge.production.handovers import handover_body, handover_text
from edge_bridge.production.queries import intervals_at, span_between, span_of
from edge_bridge.production.shifts import ShiftRule, calendar_of
from edge_bridge.production.time_model import OF_STOPS, WORKING
from tenants.api import announce, enter, require
from tenants.data import Conflict, Event, FieldError, Invalid, NotFound
from tenants.models import Equipment, Site

LONGEST_CORRECTION: Final = timedelta(days=31)


def set_shifts(*, site: Site, rules: Sequence[ShiftRule]) -> list[ShiftRow]:
    """Replace the shifts of an own site, the first of which begins the production day; none: the usual ones hold."""
    _check_own(site, "manage")
    if rules:
        calendar_of(site.time_zone, rules)
    ShiftRow.objects.filter(site=site).delete()
    rows = [
        ShiftRow(
            tenant_id=site.tenant_id,
            site=site,
            place=place,
            name=rule.name,
            begins=rule.begins,
            ends=rule.ends,
            weekdays=sorted(rule.weekdays),
        )
        for place, rule in enumerate(rules)
    ]
    ShiftRow.objects.bulk_create(rows)
    said = [f"{rule.name} {rule.begins:%H:%M}-{rule.ends:%H:%M} {sorted(rule.weekdays)}" for rule in rules]
    enter(kind="production.shifts_set", subject=site.pk, payload={"shifts": said})
    return rows


def set_rate(*, equipment: Equipment, t_per_h: float | None) -> None:
    """What an own machine is to haul where it stands now; None: nothing is planned."""
    _check_own(equipment, "manage")
    key = {"tenant_id": equipment.tenant_id, "site_id": equipment.site_id, "equipment_id": equipment.pk}
    if t_per_h is None:
        PlannedRate.objects.filter(**key).delete()
    else:
        PlannedRate.objects.update_or_create(**key, defaults={"t_per_h": t_per_h})
    enter(kind="production.rate_set", subject=equipment.pk, payload={"t_per_h": t_per_h and str(t_per_h)})


def correct_stop(
    *, equipment: Equipment, begins_at: datetime, ends_at: datetime, category: str, reason: str
) -> StopCorrection:
    """Say what a stop of an own machine was; an empty category withdraws what was said.

    Work can't be called anything else. Raises Invalid, and Conflict if the machine worked in the span.
    """
    who = _check_own(equipment, "acknowledge_alarms")
    _check_correction(begins_at, ends_at, category)
    span = span_between(equipment.site, begins_at, ends_at)
    (intervals,) = intervals_at(span, [equipment]).values()
    if any(one.category in WORKING and one.ends_at > begins_at for one in intervals):
        raise Conflict("The machine worked in this time. Name a span in which it stood.")
    row = StopCorrection.objects.create(
        tenant_id=equipment.tenant_id,
        site_id=equipment.site_id,
        equipment=equipment,
        begins_at=begins_at,
        ends_at=ends_at,
        category=category,
        reason=reason,
        made_by_id=who,
    )
    said = {"begins_at": begins_at.isoformat(), "ends_at": ends_at.isoformat(), "category": category, "reason": reason}
    enter(kind="production.stop_corrected", subject=equipment.pk, payload=said)
    return row


def draft_handover(*, site: Site, shift: str, day: date | None = None, notes: str = "") -> ShiftHandover:
    """The note of a shift of an own site, or a newer draft of it. Conflict once the outgoing shift has signed."""
    who = _check_own(site, "acknowledge_alarms")
    span = span_of(site, day=day, shift=shift)
    ends_at = next(each.ends_at for each in span.shifts if each.begins_at == span.since)
    key = {"tenant_id": site.tenant_id, "site_id": site.pk, "begins_at": span.since}
    kept = ShiftHandover.objects.select_for_update().filter(**key).first()
    if kept is not None and kept.outgoing_at is not None:
        raise Conflict("The outgoing shift has signed this hand-over.")
    row = kept or ShiftHandover(**key)
    row.shift, row.ends_at, row.notes, row.said = shift, ends_at, notes, handover_text(span)
    row.drafted_by_id, row.drafted_at = who, datetime.now(UTC)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Conflict("Somebody drafts this hand-over just now. Look at theirs.") from None
    return row


def sign_handover(*, handover: ShiftHandover) -> ShiftHandover:
    """First somebody of the outgoing shift signs, then somebody else of the incoming one; then it stays as it is.

    Those who may sign next are told.
    """
    who = require("acknowledge_alarms")
    row = ShiftHandover.objects.select_for_update().get(pk=handover.pk)
    if who.user_id is None:
        raise Invalid("A hand-over is signed by a person, not by a program.")
    now = datetime.now(UTC)
    if row.incoming_at is not None:
        raise Conflict("Both have signed this hand-over.")
    if row.outgoing_at is None:
        row.outgoing_id, row.outgoing_at = who.user_id, now
    elif row.outgoing_id == who.user_id:
        raise Conflict("You signed for the outgoing shift; somebody of the incoming one signs next.")
    else:
        row.incoming_id, row.incoming_at = who.user_id, now
    row.save()
    side = "outgoing" if row.incoming_at is None else "incoming"
    enter(kind="production.handover_signed", subject=row.pk, payload={"side": side, "shift": str(row)})
    kind = "handover.waiting" if row.incoming_at is None else "handover.taken"
    announce(Event(kind, handover_body(row), "acknowledge_alarms", occurred_at=now))
    return row


def _check_own(place: Site | Equipment, needs: str) -> UUID | None:
    """The user who acts for the owner of the place."""
    who = require(needs)
    if place.tenant_id != who.tenant_id:
        raise NotFound
    return who.user_id


def _check_correction(begins_at: datetime, ends_at: datetime, category: str) -> None:
    if not timedelta() < ends_at - begins_at <= LONGEST_CORRECTION:
        message = f"after its beginning, by at most {LONGEST_CORRECTION.days} days"
        raise Invalid("That is no span of time.", (FieldError("/ends_at", message),))
    if ends_at > datetime.now(UTC):
        raise Invalid("That is yet to come.", (FieldError("/ends_at", "now at the latest"),))
    if category and category not in OF_STOPS:
        known = ", ".join(sorted(OF_STOPS))
        raise Invalid("A stop is of another category.", (FieldError("/time_category", f"one of {known}, or empty"),))
