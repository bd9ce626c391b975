"""What the user behind a socket may see now. Recomputed when the feed's `rights_epoch` moves, never by the client."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db.models.functions import Now

from tenants.data import Actor
from tenants.models import ApiKey, Membership
from tenants.roles import CAPABILITIES

NEEDS: Final = "view_registry"
KEY: Final = "key:"


@dataclass(frozen=True, slots=True)
class Rights:
    """Capabilities in force; `until` is when the API key behind them expires, None for a person's session."""

    capabilities: frozenset[str]
    until: datetime | None = None


def rights_of(actors: Collection[Actor]) -> dict[Actor, Rights]:
    """In the open transaction of their organisation: those who may still follow its feed, with what they may see.

    Absent: the membership is gone, the user is not active, the key is revoked or expired, or the role lacks `NEEDS`.
    """
    people = {actor.user_id for actor in actors}
    members = Membership.objects.filter(tenant__in={actor.tenant_id for actor in actors})
    roles = dict(members.filter(user__in=people, user__is_active=True).values_list("user", "roles"))
    expiries = _key_expiries(actors)
    found = {}
    for actor in actors:
        by_key = actor.via.startswith(KEY)
        if actor.user_id not in roles or (by_key and (actor.user_id, actor.via) not in expiries):
            continue
        now = replace(actor, roles=frozenset(roles[actor.user_id]))
        if now.can(NEEDS):
            allowed = frozenset(capability for capability in CAPABILITIES if now.can(capability))
            found[actor] = Rights(allowed, expiries.get((actor.user_id, actor.via)))
    return found


def _key_expiries(actors: Collection[Actor]) -> dict[tuple[object, str], datetime]:
    """(user, `key:<prefix>`) → expiry of the keys that still open something."""
    prefixes = {actor.via.removeprefix(KEY) for actor in actors if actor.via.startswith(KEY)}
    if not prefixes:
        return {}
    keys = ApiKey.objects.filter(
        tenant__in={actor.tenant_id for actor in actors}, prefix__in=prefixes, revoked_at=None, expires_at__gt=Now()
    )
    return {(key.user_id, f"{KEY}{key.prefix}"): key.expires_at for key in keys}
