"""The reads of the ledger, under the open identity."""

from collections.abc import Set
from datetime import datetime
from uuid import UUID

from django.db import connections
from django.db.models import Max, QuerySet

from tenants import access
from tenants.context import opened
from tenants.data import NotFound
from tenants.ledger.verify_bundle import Chain
from tenants.models import LedgerEntry, LedgerHead

DIFFERS = """
SELECT e.seq, other FROM tenants_ledgerentry e
 CROSS JOIN unnest(e.with_tenants) AS other
  LEFT JOIN tenants_ledgerentry c ON c.tenant_id = other AND c.shared_id = e.shared_id
 WHERE e.tenant_id = %s AND e.shared_id IS NOT NULL AND c.hash IS DISTINCT FROM e.hash
 ORDER BY e.seq LIMIT 1"""


def entries() -> QuerySet[LedgerEntry]:
    """Of the actor's own organisation, newest first."""
    return LedgerEntry.objects.filter(tenant=access.actor().tenant_id).select_related("by").order_by("-seq")


def entries_where(
    *, kind: str | None = None, subject: UUID | None = None, since: datetime | None = None
) -> QuerySet[LedgerEntry]:
    wanted = {"kind": kind, "subject_id": subject, "at__gte": since}
    return entries().filter(**{name: value for name, value in wanted.items() if value is not None})


def entries_about(subjects: Set[UUID], *kinds: str) -> QuerySet[LedgerEntry]:
    """Of whose identity is open, which need not be the actor's (`on_behalf_of`), or of all for the platform."""
    return LedgerEntry.objects.filter(subject_id__in=subjects, kind__in=kinds)


def get_entry(entry_id: UUID) -> LedgerEntry:
    entry = entries().filter(pk=entry_id).first()
    if entry is None:
        raise NotFound
    return entry


def chain_of(tenant_id: UUID, after: int, upto: int) -> QuerySet[LedgerEntry]:
    """Entries `after + 1` to `upto` of a chain, in order; read them by `.iterator()`, there may be millions."""
    return LedgerEntry.objects.filter(tenant=tenant_id, seq__gt=after, seq__lte=upto).order_by("seq")


def end_of(tenant_id: UUID) -> Chain:
    """What the head says; that of an organisation without entries is at 0."""
    head = LedgerHead.objects.filter(tenant=tenant_id).first()
    return Chain(head.seq, head.hash) if head else Chain()


def newest_seq(tenant_id: UUID) -> int:
    return LedgerEntry.objects.filter(tenant=tenant_id).aggregate(Max("seq"))["seq__max"] or 0


def first_difference(tenant_id: UUID) -> tuple[int, UUID] | None:
    """The first shared entry, and the other organisation, whose chain hasn't the same. Meant for the platform, which
    sees both chains; anybody else sees only their own."""
    with connections[opened().alias].cursor() as cursor:
        cursor.execute(DIFFERS, [tenant_id])
        return cursor.fetchone()
