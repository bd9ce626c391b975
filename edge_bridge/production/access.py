"""Hand-overs of the actor's own organisation; figures are authorised by their place (`tenants.access`)."""

from uuid import UUID

from edge_bridge.models import ShiftHandover
from tenants.api import require
from tenants.data import NotFound


def get_handover(handover_id: UUID, *, needs: str = "view_production") -> ShiftHandover:
    """Own ones only: they tell of alarms and of people too."""
    require(needs)
    found = ShiftHandover.objects.filter(pk=handover_id).first()
    if found is None:
        raise NotFound
    return found
