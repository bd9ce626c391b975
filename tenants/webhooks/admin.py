"""What the two administrations show of webhooks; they are made and changed on the console."""

from tenants import models
from tenants.admin_sites import ReadOnly, show


class WebhookAdmin(ReadOnly):
    list_display = ("name", "url", "user", "status", "attempts", "delivered_at")
    list_filter = ("status",)
    exclude = ("secret", "previous_secret")


class WebhookDeliveryAdmin(ReadOnly):
    list_display = ("kind", "seq", "attempt", "answer", "problem", "sent_at")
    list_filter = ("is_taken",)


show({models.Webhook: WebhookAdmin, models.WebhookDelivery: WebhookDeliveryAdmin})
