"""The reads of webhooks, under the open identity."""

from django.db.models import QuerySet

from tenants import access
from tenants.models import FeedHead, Webhook, WebhookDelivery


def webhooks() -> QuerySet[Webhook]:
    return Webhook.objects.filter(tenant=access.actor().tenant_id).select_related("user")


def deliveries_of(webhook: Webhook) -> QuerySet[WebhookDelivery]:
    """Every attempt that is kept, the newest first."""
    return WebhookDelivery.objects.filter(webhook=webhook).order_by("-pk")


def waiting(webhook: Webhook) -> int:
    """How many events lie between its cursor and the end of the feed; some of them are not for it."""
    seq = FeedHead.objects.filter(tenant=webhook.tenant_id, epoch=webhook.epoch).values_list("seq", flat=True).first()
    return 0 if seq is None else seq - webhook.cursor
