"""What the two administrations show of tenants."""

from typing import Any

from django.http import HttpRequest

import tenants.agreements.admin
import tenants.ledger.admin
import tenants.metering.admin
import tenants.organisation.admin
import tenants.people.admin
import tenants.reads.admin
import tenants.resources.admin
import tenants.sharing.admin
import tenants.webhooks.admin  # noqa: F401
from tenants import models
from tenants.admin_sites import ReadOnly, Registry, platform_site, show


class SiteAdmin(Registry):
    list_display = ("code", "name", "kind", "mine")
    list_filter = ("kind",)
    search_fields = ("code", "name")


class EquipmentAdmin(Registry):
    list_display = ("code", "name", "kind", "site")
    search_fields = ("code", "name", "kind")  # a filter by kind would list values that a clause may hide

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A machine is moved and taken out of service by actions, which look at its bookings and keep its way."""
        return ("site", "status") if obj is not None else ()


class GrantAdmin(ReadOnly):
    """Who may see what, by which agreement, until when."""

    list_display = ("permission", "content_object", "tenant", "grantee", "agreement", "during")
    list_select_related = ("permission__content_type", "content_object", "tenant", "grantee", "agreement")


class FeedEventAdmin(ReadOnly):
    list_display = ("seq", "kind", "author", "recorded_at")
    list_filter = ("kind",)


class FeedHeadAdmin(ReadOnly):
    list_display = ("tenant", "seq", "min_seq", "rights_epoch")


class FeedReceiptAdmin(ReadOnly):
    list_display = ("user", "seq", "received_at")


class FeedTicketAdmin(ReadOnly):
    list_display = ("user", "via", "expires_at", "used_at")
    exclude = ("secret_hash",)


class PlatformAccessAdmin(ReadOnly):
    list_display = ("who", "reason", "on_date", "uses", "last_at")
    search_fields = ("who", "reason")


class SweepMarkAdmin(ReadOnly):
    list_display = ("name", "done_at")


class IdempotencyKeyAdmin(ReadOnly):
    list_display = ("key", "status", "created_at")
    exclude = ("body",)


show(
    {
        models.Site: SiteAdmin,
        models.Equipment: EquipmentAdmin,
        models.SiteGroupObjectPermission: GrantAdmin,
        models.EquipmentGroupObjectPermission: GrantAdmin,
        models.FeedEvent: FeedEventAdmin,
        models.FeedHead: FeedHeadAdmin,
        models.FeedReceipt: FeedReceiptAdmin,
        models.FeedTicket: FeedTicketAdmin,
        models.IdempotencyKey: IdempotencyKeyAdmin,
    }
)
platform_site.register(models.PlatformAccess, PlatformAccessAdmin)
platform_site.register(models.SweepMark, SweepMarkAdmin)
