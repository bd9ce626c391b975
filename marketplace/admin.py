"""What the two administrations show of the marketplace."""

from marketplace.models import Claim, ServiceTask
from tenants.admin_sites import ReadOnly, show


class ServiceTaskAdmin(ReadOnly):
    list_display = ("title", "category", "state", "equipment", "fee_minor", "currency", "published_at")
    list_filter = ("state", "category")
    search_fields = ("title",)


class ClaimAdmin(ReadOnly):
    list_display = ("task", "firm_name", "state", "token", "claimed_at", "lease_until", "ended_at")
    list_filter = ("state",)


show({ServiceTask: ServiceTaskAdmin, Claim: ClaimAdmin})
