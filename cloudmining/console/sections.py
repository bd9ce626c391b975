"""The pages beside the live one, as tabs of groups.

A page says `tab="<its url name>"` to `page()`; one of forms and lists extends `console/section.html`, block `inside`.
"""

from dataclasses import dataclass
from typing import Final

from django.urls import NoReverseMatch, reverse

from tenants.data import Actor


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of a group, for those whose role has the capability; it is not there before its address is."""

    group: str
    url_name: str
    label: str
    needs: str

    @property
    def address(self) -> str:
        try:
            return reverse(self.url_name)
        except NoReverseMatch:
            return ""


TABS: Final = (
    Tab("Planning", "console-plans", "Plans", "view_plans"),
    Tab("Planning", "console-scenarios", "Scenarios", "view_plans"),
    Tab("Planning", "console-grades", "Grades", "view_plans"),
    Tab("Planning", "console-studies", "Experiments", "view_plans"),
    Tab("Alarms", "console-alarms", "All alarms", "view_alarms"),
    Tab("Alarms", "console-alarm-health", "Alarm health", "view_alarms"),
    Tab("Alarms", "console-alarm-policies", "Who is called", "view_alarms"),
    Tab("Alarms", "console-rules", "Rules", "view_alarms"),
    Tab("Operations", "console-production", "Production", "view_production"),
    Tab("Operations", "console-sensors", "Sensors", "view_telemetry"),
    Tab("Operations", "console-gateways", "Gateways", "view_alarms"),
    Tab("Operations", "console-commands", "Commands", "send_commands"),
    Tab("Operations", "console-command-types", "What may be set", "send_commands"),
    Tab("Operations", "console-reactions", "What follows", "view_tasks"),
    Tab("Market", "console-tasks", "Service tasks", "view_tasks"),
    Tab("Market", "console-contracts", "Contracts", "view_tasks"),
    Tab("Market", "console-market", "Tasks for us", "view_tasks"),
    Tab("Market", "console-profile", "Our profile", "view_tasks"),
    Tab("Market", "console-calendar", "Calendar", "view_tasks"),
    Tab("Market", "console-bids", "Bids", "view_tasks"),
    Tab("Partners", "console-agreements", "Agreements", "view_agreements"),
    Tab("Partners", "console-access", "Who may see what", "view_agreements"),
    Tab("Partners", "console-reads", "What was read", "view_agreements"),
    Tab("Partners", "console-fleet", "Machines at customers", "view_alarms"),
    Tab("Partners", "console-oversight", "Oversight", "view_telemetry"),
    Tab("Organisation", "console-sites", "Sites", "view_registry"),
    Tab("Organisation", "console-members", "Members", "view_registry"),
    Tab("Organisation", "console-resources", "People and stock", "view_resources"),
    Tab("Organisation", "console-usage", "Usage", "view_usage"),
    Tab("Organisation", "console-ledger", "Ledger", "view_ledger"),
    Tab("Organisation", "console-keys", "Keys", "manage_keys"),
    Tab("Organisation", "console-webhooks", "Webhooks", "manage_keys"),
    Tab("Organisation", "console-data", "Data", "manage_organisation"),
)


def groups_for(actor: Actor) -> dict[str, list[Tab]]:
    """The tabs that the actor may open, by group; a group without any is left out."""
    found: dict[str, list[Tab]] = {}
    for tab in TABS:
        if actor.can(tab.needs) and tab.address:
            found.setdefault(tab.group, []).append(tab)
    return found
