"""The public door of tenants for the other apps."""

from tenants.access import actor, get_equipment, get_site, granted, require
from tenants.agreements.actions import agree_by_offer, end_agreement
from tenants.authentication import memberships_of
from tenants.bus import announce
from tenants.context import acting_as, as_platform, on_behalf_of, opened, presenting
from tenants.ledger.actions import enter
from tenants.models.base import TenantForeignKey, TenantModel, new_id
from tenants.models.shared import SharedModel
from tenants.policies import ME, MY_CREDENTIAL, OWN, Wall, own_or_granted
from tenants.queries import equipment, feed_head, sites, tenants
from tenants.secrets import hash_secret, new_secret

__all__ = [
    "ME",
    "MY_CREDENTIAL",
    "OWN",
    "SharedModel",
    "TenantForeignKey",
    "TenantModel",
    "Wall",
    "acting_as",
    "actor",
    "agree_by_offer",
    "announce",
    "as_platform",
    "end_agreement",
    "enter",
    "equipment",
    "feed_head",
    "get_equipment",
    "get_site",
    "granted",
    "hash_secret",
    "memberships_of",
    "new_id",
    "new_secret",
    "on_behalf_of",
    "opened",
    "own_or_granted",
    "presenting",
    "require",
    "sites",
    "tenants",
]
