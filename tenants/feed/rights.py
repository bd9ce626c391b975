"""What the user behind a socket may see now. Recomputed when the feed's `rights_epoch` moves, never by the client."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from tenants.data import Actor
from tenants.feed.filters import EVERYTHING, Filter
from tenants.feed.view import View, view_of
from tenants.models import ApiKey, Delegation, Membership
from tenants.roles import CAPABILITIES

NEEDS: Final = "view_registry"
KEY: Final = "key:"
SESSION: Final = "session:"


@dataclass(frozen=True, slots=True)
class Rights:
    """Capabilities in force; `until` is when the API key behind them expires, None for a person's session.

    `withheld` are agreements of partners that the organisation did not delegate to this user, with these `roles`.
    """

    capabilities: frozenset[str]
    until: datetime | None = None
    withheld: frozenset[UUID] = frozenset()
    roles: frozenset[str] = frozenset()

    def view(self, purpose: str, wanted: Filter = EVERYTHING) -> View:
        return view_of(self.capabilities, self.withheld, purpose, wanted)


def rights_of(actors: Collection[Actor]) -> dict[Actor, Rights]:
    """In the open transaction of their organisation: those who may still follow its feed, with what they may see.

    Absent: the membership is gone, the user is not active, the key is revoked or expired, the session has ended, or
    the role lacks `NEEDS`.
    """
    people = {actor.user_id for actor in actors}
    tenants = {actor.tenant_id for actor in actors}
    open_members = Membership.objects.filter(tenant__closing_at=None, user__is_active=True)
    members = open_members.filter(tenant__in=tenants, user__in=people)
    roles = dict(members.values_list("user", "roles"))
    expiries, sessions = _key_expiries(actors), _open_sessions(actors)
    delegations = list(Delegation.objects.filter(tenant__in=tenants))
    found = {}
    for actor in actors:
        if actor.user_id not in roles or not _lives(actor, expiries, sessions):
            continue
        now = replace(actor, roles=frozenset(roles[actor.user_id]))
        if now.can(NEEDS):
            allowed = frozenset(capability for capability in CAPABILITIES if now.can(capability))
            withheld = frozenset(row.agreement_id for row in delegations if not row.includes(now.roles, now.user_id))
            found[actor] = Rights(allowed, expiries.get((actor.user_id, actor.via)), withheld, now.roles)
    return found


def _lives(actor: Actor, expiries: Collection[tuple[object, str]], sessions: Collection[str]) -> bool:
    """Whether the credential that the actor came with still opens anything."""
    if actor.via.startswith(KEY):
        return (actor.user_id, actor.via) in expiries
    return not actor.via.startswith(SESSION) or actor.via in sessions


def _open_sessions(actors: Collection[Actor]) -> set[str]:
    """`session:<name>` of the browser sessions that are still there: signing out removes one."""
    names = [actor.via.removeprefix(SESSION) for actor in actors if actor.via.startswith(SESSION)]
    if not names:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT wall.session_name(session_key) FROM django_session "
            "WHERE wall.session_name(session_key) = ANY (%s) AND expire_date > now()",
            [names],
        )
        return {f"{SESSION}{row[0]}" for row in cursor.fetchall()}


def _key_expiries(actors: Collection[Actor]) -> dict[tuple[object, str], datetime]:
    """(user, `key:<prefix>`) → expiry of the keys that still open something."""
    prefixes = {actor.via.removeprefix(KEY) for actor in actors if actor.via.startswith(KEY)}
    if not prefixes:
        return {}
    keys = ApiKey.objects.filter(
        tenant__in={actor.tenant_id for actor in actors}, prefix__in=prefixes, revoked_at=None, expires_at__gt=Now()
    )
    return {(key.user_id, f"{KEY}{key.prefix}"): key.expires_at for key in keys}
