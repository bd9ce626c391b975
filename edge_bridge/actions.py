"""The writes of the edge. Each runs in the caller's open transaction and announces in it."""

from datetime import UTC, datetime
from uuid import UUID

from edge_bridge import intake
from edge_bridge.alarms.dead_man import end_silence, hear
from edge_bridge.alarms.sources import end_own_alarms
from edge_bridge.commands.delivery import waiting
from edge_bridge.data import HoleInStream
from edge_bridge.models import Device, Watermark
from edge_bridge.protocol import Ack, Batch, Lane, SequenceHole, after_watermark
from edge_bridge.rows import loaded
from tenants.api import hash_secret, new_secret, require
from tenants.data import NotFound
from tenants.models import Site


def enrol_device(*, site: Site, name: str) -> tuple[Device, str]:
    """A gateway's credential for an own site; returns the row and the secret, which is shown only now."""
    owner = require("manage")
    if site.tenant_id != owner.tenant_id:
        raise NotFound
    secret = new_secret("cmd")
    device = Device.objects.create(tenant_id=owner.tenant_id, site=site, name=name, secret_hash=hash_secret(secret))
    return device, secret


def revoke_device(*, device: Device) -> None:
    """From the commit on its batches are refused; what it sent stays.

    Alarms of the gateway itself are over. Those of its machines stand on, since it may come back with another
    credential, and are cleared after `SOURCE_SETTLES` if none does.
    """
    require("manage")
    Device.objects.filter(pk=device.pk, revoked_at=None).update(revoked_at=datetime.now(UTC))
    device.refresh_from_db()
    end_silence(device, datetime.now(UTC))
    end_own_alarms(device, datetime.now(UTC))


def record(*, device: Device, batch: Batch, are_converted: bool = False) -> Ack:
    """Store what the batch adds to its stream; the answer may be sent once the transaction has committed.

    Entries that were stored before are passed over, so a batch may be sent again. Raises HoleInStream if entries
    before this batch never came. `are_converted`: the values are in the units of their series already.
    """
    require("send_readings")
    stream = lock_stream(device, batch.edge, batch.boot, batch.lane)
    try:
        entries = after_watermark(batch, stream.through)
    except SequenceHole as hole:
        detail = f"In lane {batch.lane} {hole}; send from there."
        raise HoleInStream(detail, expected_seq=hole.expected_seq) from None
    if entries:
        hear(device, batch.edge, datetime.now(UTC))
        stream.ahead_s = (batch.sent_at - datetime.now(UTC)).total_seconds()
        intake.take(device, stream, entries, are_converted)
    commands = waiting(device, batch.edge, batch.boot, datetime.now(UTC))
    return Ack(batch.edge, batch.boot, batch.lane, stream.through, commands)


_STREAM = (
    "edge_bridge_watermark WHERE tenant_id = %s AND site_id = %s AND edge = %s AND boot = %s AND lane = %s FOR UPDATE"
)


def lock_stream(device: Device, edge: str, boot: UUID, lane: Lane) -> Watermark:
    """Until the transaction ends nobody else writes to the stream, which is made if it is new."""
    key = {"tenant_id": device.tenant_id, "site_id": device.site_id, "edge": edge, "boot": boot}
    found = loaded(Watermark, _STREAM, [*key.values(), lane])
    if not found:
        fresh = Watermark(**key, device=device, lane=lane)
        Watermark.objects.bulk_create([fresh], ignore_conflicts=True)
        found = loaded(Watermark, _STREAM, [*key.values(), lane])
    stream = found[0]
    stream.device = device
    return stream
