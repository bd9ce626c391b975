"""Rules on their way to gateways, and what these say came of it."""

from edge_bridge import protocol
from edge_bridge.catalogue.queries import rule_set
from edge_bridge.models import Device, RulesInUse
from edge_bridge.protocol import RuleSet
from tenants.api import announce, require
from tenants.data import Event


def rules_for(device: Device) -> RuleSet:
    """All rules in force at the device's site."""
    require("send_readings")
    return rule_set(device.tenant_id, device.site_id)


def note_rules(device: Device, edge: str, said: protocol.RulesInUse) -> None:
    """Keep what the gateway says that it judges by; a refusal is told to the organisation's own people."""
    facts = {"digest": said.digest, "refused": said.refused, "detail": said.detail, "said_at": said.at}
    RulesInUse.objects.update_or_create(tenant_id=device.tenant_id, device=device, edge=edge, defaults=facts)
    kind = "rule.refused" if said.refused else "rule.taken"
    body = {"device": str(device.pk), "edge": edge, "site": str(device.site_id), "digest": said.digest}
    announce(Event(kind, {**body, "refused": said.refused, "message": said.detail}, "view_alarms"))
