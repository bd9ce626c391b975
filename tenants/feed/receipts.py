"""How far members have told us to have received the whole feed, so that an alarm that reached nobody is noticed."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from tenants.context import acting_as
from tenants.data import Actor
from tenants.models import FeedEvent, FeedHead, FeedReceipt, Membership, new_id
from tenants.roles import ROLES

# Never back within an epoch, whichever of a member's clients speaks last.
NOTE = """
INSERT INTO tenants_feedreceipt AS held (id, tenant_id, user_id, epoch, seq, received_at)
VALUES (%s, %s, %s, %s, %s, clock_timestamp())
ON CONFLICT (tenant_id, user_id) DO UPDATE
  SET epoch = excluded.epoch, seq = excluded.seq, received_at = excluded.received_at
  WHERE held.epoch <> excluded.epoch OR held.seq < excluded.seq
"""


def note_receipts(tenant_id: UUID, epoch: UUID, reached: Mapping[UUID, int]) -> None:
    """In the open transaction: user → the last sequence number that they have, of followers who filter nothing out."""
    with connection.cursor() as cursor:
        cursor.executemany(
            NOTE, [[new_id(), tenant_id, user, epoch, seq] for user, seq in sorted(reached.items(), key=str)]
        )


def write_receipts(reader: Actor, epoch: UUID, reached: Mapping[UUID, int]) -> None:
    with acting_as(reader):
        note_receipts(reader.tenant_id, epoch, reached)


def unreceived(tenant_id: UUID, kinds: Collection[str], permission: str, before: datetime) -> QuerySet[FeedEvent]:
    """In the open transaction: events of these kinds on the organisation's feed, recorded before then, that are on no
    screen of a member whose role includes `permission`; oldest first."""
    allowed = [role for role, capabilities in ROLES.items() if permission in capabilities]
    members = Membership.objects.filter(tenant=tenant_id, roles__overlap=allowed, user__is_active=True)
    epoch = FeedHead.objects.filter(tenant=tenant_id).values("epoch")
    receipts = FeedReceipt.objects.filter(tenant=tenant_id, epoch__in=epoch, user__in=members.values("user"))
    reached = receipts.order_by("-seq").values_list("seq", flat=True).first() or 0
    found = FeedEvent.objects.filter(tenant=tenant_id, kind__in=kinds, recorded_at__lt=before, seq__gt=reached)
    return found.order_by("seq")
