"""From a gateway's credential to its device and the actor it is. The look-up sees only the row presented."""

from datetime import UTC, datetime, timedelta

from django.db.models import Q

from edge_bridge.models import Device
from tenants.api import hash_secret, presenting
from tenants.data import Actor, Unauthenticated

SCHEME = "device"
SEEN_EVERY = timedelta(seconds=5)  # a gateway sends many batches a second


def device_of(authorization: str) -> tuple[Device, Actor]:
    """The device that a header `Device <device id>.<secret>` stands for; Unauthenticated if unknown or revoked."""
    scheme, _, credential = authorization.partition(" ")
    device_id, _, secret = credential.strip().partition(".")
    if scheme.lower() != SCHEME or not secret.startswith("cmd_"):
        raise Unauthenticated("The header must read 'Authorization: Device <device id>.cmd_…'.")
    hashed = hash_secret(secret)
    with presenting(credential=hashed):
        device = Device.objects.filter(secret_hash=hashed).first()
        if device is None or device.revoked_at or str(device.pk) != device_id.lower():
            raise Unauthenticated("This device is unknown or revoked. Enrol it at its site.")
        _note_seen(device, datetime.now(UTC))
    return device, Actor(device.tenant_id, None, frozenset({"device"}), f"device:{device.pk}")


def _note_seen(device: Device, now: datetime) -> None:
    stale = Q(last_seen_at=None) | Q(last_seen_at__lt=now - SEEN_EVERY)
    Device.objects.filter(stale, pk=device.pk).update(last_seen_at=now)
