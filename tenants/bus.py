"""Announce what happened: collected during a transaction, written to every entitled feed just before its commit.

Delivering last keeps the feed heads locked only for the commit itself, and in one sorted pass, so that transactions
that announce to each other's organisations can't deadlock.
"""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections, transaction
from django.db.models import Q
from django.db.models.functions import Now

from tenants.context import Transaction, on_behalf_of, opened
from tenants.data import Event
from tenants.feed.doorbell import ring
from tenants.metering.counting import meter
from tenants.metering.use import Use
from tenants.models import EquipmentGroupObjectPermission, SiteGroupObjectPermission, new_id
from tenants.sharing.feed_grant import hidden_by, without

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
    known: dict[tuple[Any, ...], dict[UUID, Masks]] = {}
    entries = []
    for event in current.events:  # a flood of alarms speaks of few places: ask once for each
        about = (event.permission, event.site_id, event.equipment_id, event.owner_id, event.to)
        if about not in known:
            known[about] = _recipients(event, author)
        entries += _entries(event, author, known[about])
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
            "author": author or recipient,
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


def _recipients(event: Event, author: UUID | None) -> dict[UUID, Masks]:
    """Organisation → the grants by which it may know, none for those who know in their own right."""
    owner = event.owner_id or author
    if owner is not None and owner != author:
        with on_behalf_of(owner):
            found = _grantees(event)
    else:
        found = _grantees(event)
    own_right = set(event.to) | ({author, owner} if event.site_id is None or author == owner else {owner})
    return found | {tenant: {} for tenant in own_right if tenant is not None}


def _grantees(event: Event) -> dict[UUID, Masks]:
    """Partners to whom the owner opened this permission on the event's site or equipment, at once and row by row."""
    found: dict[UUID, Masks] = {}
    grants = ((SiteGroupObjectPermission, event.site_id), (EquipmentGroupObjectPermission, event.equipment_id))
    for model, object_id in grants:
        if object_id is not None:
            rows = model.objects.filter(
                Q(agreement__ends_at=None) | Q(agreement__ends_at__gt=Now()),
                agreement__status="active",
                content_object=object_id,
                permission__codename=event.permission,
                during__contains=Now(),
                delay_s=0,
                floor_n=0,
            )
            for grantee, grant, mask in rows.values_list("grantee", "pk", "field_mask"):
                found.setdefault(grantee, {})[grant] = frozenset(mask)
    return found
