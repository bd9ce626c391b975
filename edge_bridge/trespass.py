"""Terminals that spoke for machines not their own are an alarm of their gateway, which has refused and counted them."""

from datetime import datetime

from edge_bridge.alarms.cloud import Finding, clear_alarm, raise_alarm
from edge_bridge.alarms.data import TERMINAL_TRESPASS
from edge_bridge.models import Device
from edge_bridge.protocol import Severity, Trespass

RULE = "terminals speak for their own machines"
WHERE = "Which terminals, and for what, its gateway's page says."


def tell(device: Device, said: Trespass, now: datetime) -> None:
    """In the transaction that brings the gateway's word. A partner may read the alarm, and not who spoke for what."""
    place = {"tenant_id": device.tenant_id, "site_id": device.site_id, "now": now, "device": device}
    count = float(said.count)
    if count:
        Device.objects.filter(pk=device.pk).update(trespass=said.detail)
        raise_alarm(Finding(TERMINAL_TRESPASS, Severity.HIGH, "frames refused", count, 0.0, RULE, WHERE), **place)
    else:
        clear_alarm(TERMINAL_TRESPASS, **place)
