"""The writes of the edge. Each runs in the caller's open transaction and announces in it."""

from datetime import UTC, datetime

from edge_bridge import access, intake
from edge_bridge.alarm import Event, IllegalTransition, State, next_state
from edge_bridge.alarm_log import keep_acknowledgement
from edge_bridge.data import HoleInStream
from edge_bridge.models import Alarm, Device, Watermark
from edge_bridge.protocol import Ack, Batch, SequenceHole, after_watermark
from tenants.api import actor, enter, hash_secret, new_secret, on_behalf_of, require
from tenants.data import Conflict, FieldError, Invalid, NotFound
from tenants.models import Site

MAX_COMMENT_CHARS = 1000


def enrol_device(*, site: Site, name: str) -> tuple[Device, str]:
    """A gateway's credential for an own site; returns the row and the secret, which is shown only now."""
    owner = require("manage")
    if site.tenant_id != owner.tenant_id:
        raise NotFound
    secret = new_secret("cmd")
    device = Device.objects.create(tenant_id=owner.tenant_id, site=site, name=name, secret_hash=hash_secret(secret))
    return device, secret


def revoke_device(*, device: Device) -> None:
    """From the commit on its batches are refused; what it sent stays."""
    require("manage")
    Device.objects.filter(pk=device.pk, revoked_at=None).update(revoked_at=datetime.now(UTC))
    device.refresh_from_db()


def record(*, device: Device, batch: Batch) -> Ack:
    """Store what the batch adds to its stream; the answer may be sent once the transaction has committed.

    Entries that were stored before are passed over, so a batch may be sent again. Raises HoleInStream if entries
    before this batch never came.
    """
    require("send_readings")
    stream = _lock_stream(device, batch)
    try:
        entries = after_watermark(batch, stream.through)
    except SequenceHole as hole:
        detail = f"In lane {batch.lane} {hole}; send from there."
        raise HoleInStream(detail, expected_seq=hole.expected_seq) from None
    if entries:
        intake.take(device, stream, entries)
    return Ack(batch.edge, batch.boot, batch.lane, stream.through)


def _lock_stream(device: Device, batch: Batch) -> Watermark:
    key = {"tenant": device.tenant_id, "site": device.site_id, "edge": batch.edge, "boot": batch.boot}
    rows = Watermark.objects.filter(**key, lane=batch.lane).select_for_update()
    stream = rows.first()
    if stream is None:
        fresh = Watermark(
            tenant_id=device.tenant_id,
            site_id=device.site_id,
            device=device,
            edge=batch.edge,
            boot=batch.boot,
            lane=batch.lane,
        )
        Watermark.objects.bulk_create([fresh], ignore_conflicts=True)
        stream = rows.get()
    stream.device = device
    return stream


def acknowledge_alarm(*, alarm: Alarm, comment: str = "") -> Alarm:
    """Take note of an alarm, as its owner's operator or as a partner to whom acknowledging was opened.

    Raises Conflict, in words, where the alarm's state doesn't allow it or changed meanwhile.
    """
    if len(comment) > MAX_COMMENT_CHARS:
        raise Invalid("The comment is too long.", (FieldError("/comment", f"at most {MAX_COMMENT_CHARS} characters"),))
    alarm = access.get_alarm(alarm.pk, needs="acknowledge_alarms")
    before = alarm.state
    try:
        alarm.state = next_state(State(before), Event.ACKNOWLEDGED)
    except IllegalTransition as illegal:
        raise Conflict(f"This alarm can't be acknowledged: {illegal}.") from None
    who = actor()
    alarm.acknowledged_at = datetime.now(UTC)
    alarm.acknowledged_by_id, alarm.acknowledged_for_id = who.user_id, who.tenant_id
    with on_behalf_of(alarm.tenant_id):
        rows = Alarm.objects.filter(pk=alarm.pk)
        changed = rows.filter(state=before).update(
            state=alarm.state,
            acknowledged_at=alarm.acknowledged_at,
            acknowledged_by=who.user_id,
            acknowledged_for=who.tenant_id,
        )
        if not changed:
            raise Conflict("The alarm changed at this moment; read it again.")
        # Read again as the owner has it: of the partner's own reading some fields may be hidden.
        keep_acknowledgement(rows.select_related("equipment", "site").get(), before, comment)
    noted = {"equipment": alarm.equipment_id, "comment": comment}
    enter(kind="alarm.acknowledged", subject=alarm.pk, payload=noted, with_tenants={alarm.tenant_id})
    return alarm
