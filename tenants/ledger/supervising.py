"""The chain of an organisation under supervision: who has a mandate may check that it is sound, not read it.

The hash of its end, noted by the supervisor, holds the owner to all that was entered before; so does a bundle of its
digests, in which what is entered in both ledgers has the same hash as in the supervisor's own.
"""

from datetime import UTC, datetime
from typing import IO
from uuid import UUID

from django.db.models import Q

from tenants.access import actor, require
from tenants.context import on_behalf_of
from tenants.data import NotFound
from tenants.ledger.bundle import digest_bundle
from tenants.ledger.verification import Verdict, verify_from
from tenants.models import Agreement


def supervised() -> dict[UUID, str]:
    """Organisations over which the actor's has a mandate in force, with their names."""
    lasting = Q(ends_at=None) | Q(ends_at__gt=datetime.now(UTC))
    rows = Agreement.objects.filter(
        lasting, partner=actor().tenant_id, kind=Agreement.Kind.MANDATE, status=Agreement.Status.ACTIVE
    )
    return dict(rows.order_by("pk").values_list("tenant_id", "owner_name"))


def verify_supervised(owner_id: UUID, after: int = 0) -> Verdict:
    """Follow the owner's chain as the owner itself would; NotFound without a mandate."""
    _require_mandate(owner_id)
    with on_behalf_of(owner_id):
        return verify_from(owner_id, after)


def bundle_supervised(owner_id: UUID, first: int | None = None, last: int | None = None) -> IO[bytes]:
    """Digests of the owner's entries, as `range_bundle` takes them, and which are shared with the actor's organisation.

    NotFound without a mandate, Invalid if there are none or too many.
    """
    _require_mandate(owner_id)
    reader_id = actor().tenant_id
    with on_behalf_of(owner_id):
        return digest_bundle(owner_id, first, last, reader_id=reader_id)


def _require_mandate(owner_id: UUID) -> None:
    require("view_ledger")
    if owner_id not in supervised():
        raise NotFound
