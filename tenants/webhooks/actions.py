"""The writes of webhooks. Each runs in the caller's open transaction; what was decided goes to the ledger."""

import base64
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings

from tenants import access
from tenants.data import Conflict, FieldError, Invalid
from tenants.feed.filters import asked_filter
from tenants.feed.log import head_now
from tenants.ledger.actions import enter
from tenants.models import Webhook, WebhookDelivery
from tenants.secrets import seal
from tenants.webhooks.access import NEEDS
from tenants.webhooks.addresses import BadAddress, target_of

MOST_WEBHOOKS: Final = 20
SEALED_FOR: Final = "webhooks"
LONGEST_KEEP_S: Final = 604_800


def make_webhook(*, name: str, url: str, filter: Any = None) -> tuple[Webhook, str]:
    """From the next event on, with the rights that the actor has then; the secret is shown only now."""
    maker = access.require(NEEDS)
    if Webhook.objects.filter(tenant=maker.tenant_id).count() >= MOST_WEBHOOKS:
        raise Conflict(f"An organisation has at most {MOST_WEBHOOKS} webhooks; remove one first.")
    head, secret = head_now(), _new_secret()
    webhook = Webhook.objects.create(
        tenant_id=maker.tenant_id,
        user_id=maker.user_id,
        name=name,
        url=_checked(url),
        filter=_wanted(filter),
        scopes=None if maker.scopes is None else sorted(maker.scopes),
        purpose=maker.purpose,
        secret=seal(SEALED_FOR, secret),
        epoch=head.epoch,
        cursor=head.seq,
    )
    webhook.refresh_from_db()  # the moments that the database gave
    _enter("made", webhook)
    return webhook, secret


def change_webhook(*, webhook: Webhook, **changes: Any) -> None:
    """Name, url or filter; what is owed is posted by the new ones."""
    if "url" in changes:
        changes["url"] = _checked(changes["url"])
    if "filter" in changes:
        changes["filter"] = _wanted(changes["filter"])
    for name, value in changes.items():
        setattr(webhook, name, value)
    webhook.save(update_fields=list(changes))
    _enter("changed", webhook)


def rotate_secret(*, webhook: Webhook, keep_s: int) -> str:
    """A new secret; for `keep_s` more seconds messages are signed with the one before too."""
    secret, until = _new_secret(), datetime.now(UTC) + timedelta(seconds=keep_s)
    previous = {"previous_secret": webhook.secret, "previous_until": until} if keep_s else _NO_PREVIOUS
    Webhook.objects.filter(pk=webhook.pk).update(secret=seal(SEALED_FOR, secret), **previous)
    _enter("secret_rotated", webhook)
    return secret


def enable_webhook(*, webhook: Webhook) -> None:
    """It goes on where it was; what is no longer kept is told as a reset."""
    webhook.status, webhook.disabled_because = Webhook.Status.ACTIVE, ""
    webhook.attempts, webhook.failing_since, webhook.due_at = 0, None, datetime.now(UTC)
    webhook.save(update_fields=["status", "disabled_because", "attempts", "failing_since", "due_at"])
    _enter("enabled", webhook)


def disable_webhook(*, webhook: Webhook) -> None:
    webhook.status, webhook.disabled_because = Webhook.Status.DISABLED, "It was switched off here."
    webhook.save(update_fields=["status", "disabled_because"])
    _enter("disabled", webhook)


def ask_for_test(*, webhook: Webhook) -> None:
    """The sweep posts a message of kind `webhook.test` before anything else; its delivery says how that went."""
    webhook.test_asked_at = webhook.due_at = datetime.now(UTC)
    webhook.save(update_fields=["test_asked_at", "due_at"])


def remove_webhook(*, webhook: Webhook) -> None:
    """With the log of what it was sent."""
    _enter("removed", webhook)
    WebhookDelivery.objects.filter(webhook=webhook).delete()
    Webhook.objects.filter(pk=webhook.pk).delete()


_NO_PREVIOUS: Final = {"previous_secret": "", "previous_until": None}


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _checked(url: str) -> str:
    try:
        target_of(url, allows_http=bool(settings.WEBHOOK_NETWORKS))
    except BadAddress as error:
        raise Invalid("The address can't be used.", (FieldError("/url", str(error)),)) from error
    return url


def _wanted(filter: Any) -> dict[str, Any] | None:
    return None if filter is None else asked_filter(filter, "/filter").as_dict()


def _enter(what: str, webhook: Webhook) -> None:
    enter(kind=f"webhook.{what}", subject=webhook.pk, payload={"name": webhook.name, "url": webhook.url})
