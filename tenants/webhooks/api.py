"""The public door of webhooks for the console."""

from tenants.webhooks.access import get_webhook
from tenants.webhooks.actions import (
    ask_for_test,
    disable_webhook,
    enable_webhook,
    make_webhook,
    remove_webhook,
    rotate_secret,
)
from tenants.webhooks.queries import deliveries_of, waiting, webhooks

__all__ = [
    "ask_for_test",
    "deliveries_of",
    "disable_webhook",
    "enable_webhook",
    "get_webhook",
    "make_webhook",
    "remove_webhook",
    "rotate_secret",
    "waiting",
    "webhooks",
]
