"""Announce what happened: collected during a transaction, written to every entitled feed just before its commit.

Delivering last keeps the feed heads locked only for the commit itself, and in one sorted pass, so that transactions
that announce to each other's organisations can't deadlock.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections, transaction

from tenants.context import Transaction, on_behalf_of, opened
from tenants.data import Event
from tenants.feed.doorbell import ring
from tenants.ids import new_id
from tenants.metering.counting import meter
from tenants.metering.use import Use
from tenants.sharing.feed_grant import hidden_by, without

# Permission, site, equipment, owner, and whom the event names besides.
About = tuple[str, UUID | None, UUID | None, UUID | None, frozenset[UUID]]
# By grant, the fields that it hides.
Masks = dict[UUID, frozenset[str]]


def announce(event: Event) -> None:
    """Put an event on the feeds of those entitled, if and when the open transaction commits."""
    current = opened()
    current.write_feed = _deliver
    current.events.append(event)


def announce_rights(kind: str, body: dict[str, object], to: frozenset[UUID] = frozenset()) -> None:
    """Tell that rights changed: at the commit, open sockets of the author and of `to` look theirs up again."""
    announce(Event(kind=kind, body=body, permission="view_agreements", to=to))


def _deliver(current: Transaction) -> None:
    """Write the transaction's events to the feeds of their recipients; ring their doorbells after the commit."""
    author = current.actor.tenant_id if current.actor else None
    known = _recipients(current.events, author)  # a flood of alarms speaks of few places: asked once for each
    entries = [entry for event in current.events for entry in _entries(event, author, known[_about(event)])]
    _count(entries)
    with connections[current.alias].cursor() as cursor:
        cursor.execute("SELECT recipient, reached FROM wall.deliver(%s)", [json.dumps(entries, cls=DjangoJSONEncoder)])
        reached = dict(cursor.fetchall())
    transaction.on_commit(lambda: ring(reached), using=current.alias)


def _count(entries: list[dict[str, Any]]) -> None:
    """Each organisation pays for what its own feed is told."""
    told: dict[UUID, list[str]] = {}
    for entry in entries:
        told.setdefault(entry["tenant"], []).append(str(entry["id"]))
    for recipient, ids in told.items():
        meter(Use("feed", ids[0], "feed_deliveries", len(ids), ("event", ids[0]), tenant_id=recipient))


def _entries(event: Event, author: UUID | None, recipients: dict[UUID, Masks]) -> list[dict[str, Any]]:
    return [
        {
            "id": new_id(),
            "tenant": recipient,
            "author": event.author_id or author or recipient,
            "kind": event.kind,
            "permission": event.permission,
            "site": event.site_id,
            "equipment": event.equipment_id,
            "grant_ids": sorted(masks),
            "body": without(event.body, hidden_by(masks.values())),
            "occurred_at": event.occurred_at or datetime.now(UTC),
        }
        for recipient, masks in recipients.items()
    ]


def _recipients(events: Iterable[Event], author: UUID | None) -> dict[About, dict[UUID, Masks]]:
    """By what events are about: organisation → the grants by which it may know, none for those who know by right."""
    abouts = {_about(event): event for event in events}
    found: dict[About, dict[UUID, Masks]] = {about: {} for about in abouts}
    by_owner: defaultdict[UUID | None, list[About]] = defaultdict(list)
    for about, event in abouts.items():
        by_owner[event.owner_id or author].append(about)
    for owner, asked in by_owner.items():
        for n, grantee, grant, mask in _grantees(asked, owner):
            found[asked[n]].setdefault(grantee, {})[grant] = frozenset(mask)
    return {about: {**found[about], **_by_right(event, author)} for about, event in abouts.items()}


def _by_right(event: Event, author: UUID | None) -> dict[UUID, Masks]:
    owner = event.owner_id or author
    knowing = set(event.to) | ({author, owner} if event.site_id is None or author == owner else {owner})
    return {tenant: {} for tenant in knowing if tenant is not None}


def _about(event: Event) -> About:
    return event.permission, event.site_id, event.equipment_id, event.owner_id, event.to


def _grantees(asked: Sequence[About], owner: UUID | None) -> list[tuple[int, UUID, UUID, list[str]]]:
    """Partners to whom the owner opened a permission on a site or a machine, at once and row by row: number, partner,
    grant, mask."""
    places = [
        {"n": n, "permission": permission, "site": site, "equipment": equipment}
        for n, (permission, site, equipment, *_) in enumerate(asked)
        if site is not None or equipment is not None
    ]
    if not places:
        return []
    own_name = nullcontext() if owner is None else on_behalf_of(owner)
    with own_name, connections[opened().alias].cursor() as cursor:
        cursor.execute("SELECT n, grantee, grant_id, mask FROM wall.grantees(%s)", [json.dumps(places, default=str)])
        return cursor.fetchall()
