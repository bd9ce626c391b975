"""Whose machines and mines these are, in the words of the agreements: an owner need not be listed."""

from uuid import UUID

from tenants.api import actor
from tenants.models import Agreement


def owner_names() -> dict[UUID, str]:
    """By owner, of all who ever agreed on something with the actor's organisation; the newest name."""
    rows = Agreement.objects.filter(partner=actor().tenant_id).order_by("pk")
    return dict(rows.values_list("tenant_id", "owner_name"))
