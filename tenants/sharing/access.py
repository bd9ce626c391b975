"""An agreement is fetched and authorised in one step, as in `tenants.access`."""

from uuid import UUID

from tenants import access
from tenants.data import NotFound
from tenants.models import Agreement


def get_received_agreement(agreement_id: UUID, *, needs: str) -> Agreement:
    """One that opens another organisation's data to the actor's; NotFound for one that opens its own."""
    current = access.require(needs)
    agreement = Agreement.objects.filter(pk=agreement_id, partner=current.tenant_id).first()
    if agreement is None:
        raise NotFound
    return agreement
