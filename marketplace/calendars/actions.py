"""A member's secret calendar address: made, shown once, revoked."""

from django.db.models.functions import Now

from marketplace.models import CalendarAddress
from tenants.api import hash_secret, new_secret, require
from tenants.data import Invalid


def make_address() -> str:
    """The secret of a new address of the actor; the one they had before no longer opens."""
    me = require("view_tasks")
    if me.user_id is None:
        raise Invalid("A calendar belongs to a person.")
    revoke_address()
    secret = new_secret("cmc")
    CalendarAddress.objects.create(tenant_id=me.tenant_id, user_id=me.user_id, secret_hash=hash_secret(secret))
    return secret


def revoke_address() -> bool:
    """Whether there was one."""
    me = require("view_tasks")
    return bool(CalendarAddress.objects.filter(user=me.user_id, revoked_at=None).update(revoked_at=Now()))
