"""Webhooks, fetched and authorised in one step; absent and foreign ones answer alike."""

from uuid import UUID

from tenants import access
from tenants.data import NotFound
from tenants.models import Webhook
from tenants.webhooks import queries

NEEDS = "manage_keys"


def get_webhook(webhook_id: UUID) -> Webhook:
    access.require(NEEDS)
    found = queries.webhooks().filter(pk=webhook_id).first()
    if found is None:
        raise NotFound
    return found
