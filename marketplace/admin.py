"""What the two administrations show of the marketplace."""

from marketplace.models import Claim, Reaction, ReactionSwitch, ServiceTask
from tenants.admin_sites import ReadOnly, show


class ServiceTaskAdmin(ReadOnly):
    list_display = ("title", "category", "state", "equipment", "fee_minor", "currency", "published_at")
    list_filter = ("state", "category")
    search_fields = ("title",)


class ClaimAdmin(ReadOnly):
    list_display = ("task", "firm_name", "state", "token", "claimed_at", "lease_until", "ended_at")
    list_filter = ("state",)


class ReactionSwitchAdmin(ReadOnly):
    list_display = ("reaction", "is_on", "site", "set_by", "set_at", "through")
    list_filter = ("reaction", "is_on")


class ReactionAdmin(ReadOnly):
    list_display = ("reaction", "outcome", "task", "words", "happened_at", "reacted_at")
    list_filter = ("reaction", "outcome")


show(
    {
        ServiceTask: ServiceTaskAdmin,
        Claim: ClaimAdmin,
        ReactionSwitch: ReactionSwitchAdmin,
        Reaction: ReactionAdmin,
    }
)
