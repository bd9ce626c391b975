"""The chain of an organisation under supervision: who has a mandate may check that it is sound, not read it.

The hash of its end, noted by the supervisor, holds the owner to all that was entered before.
"""

from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Q

from tenants.access import actor, require
from tenants.context import on_behalf_of
from tenants.data import NotFound
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
    require("view_ledger")
    if owner_id not in supervised():
        raise NotFound
    with on_behalf_of(owner_id):
        return verify_from(owner_id, after)
