"""The public door of tenants for the other apps."""

from tenants.access import actor, get_agreement, get_equipment, get_site, granted, require
from tenants.agreements.actions import agree_by_offer, end_agreement
from tenants.agreements.mandates import supervisors
from tenants.authentication import actor_of_user, memberships_of
from tenants.bus import announce
from tenants.compare_and_set import compare_and_set
from tenants.context import acting_as, as_platform, on_behalf_of, opened, presenting
from tenants.feed.receipts import unreceived
from tenants.feed.snapshot import FAMILIES, Family
from tenants.ledger.actions import enter
from tenants.metering.actions import require_within_budget
from tenants.metering.counting import meter
from tenants.metering.use import Use
from tenants.models.base import TenantForeignKey, TenantModel, new_id
from tenants.models.shared import SharedModel
from tenants.names import own_names
from tenants.policies import ME, MY_CREDENTIAL, OWN, Wall, own_or_granted
from tenants.queries import equipment, feed_events, feed_head, sisters, sites, tenants
from tenants.reads.live_grants import LiveGrant, Place
from tenants.reads.notes import RIGHTS_CHANGED, give, live_grants
from tenants.reads.queries import rows_by_day as read_rows_by_day
from tenants.reads.queries import shared_reads
from tenants.reads.table import as_csv as shared_reads_csv
from tenants.secrets import hash_secret, new_secret
from tenants.sharing.feed_grant import OF_OTHERS, names_others, without

__all__ = [
    "FAMILIES",
    "ME",
    "MY_CREDENTIAL",
    "OF_OTHERS",
    "OWN",
    "RIGHTS_CHANGED",
    "Family",
    "LiveGrant",
    "Place",
    "SharedModel",
    "TenantForeignKey",
    "TenantModel",
    "Use",
    "Wall",
    "acting_as",
    "actor",
    "actor_of_user",
    "agree_by_offer",
    "announce",
    "as_platform",
    "compare_and_set",
    "end_agreement",
    "enter",
    "equipment",
    "feed_events",
    "feed_head",
    "get_agreement",
    "get_equipment",
    "get_site",
    "give",
    "granted",
    "hash_secret",
    "live_grants",
    "memberships_of",
    "meter",
    "names_others",
    "new_id",
    "new_secret",
    "on_behalf_of",
    "opened",
    "own_names",
    "own_or_granted",
    "presenting",
    "read_rows_by_day",
    "require",
    "require_within_budget",
    "shared_reads",
    "shared_reads_csv",
    "sisters",
    "sites",
    "supervisors",
    "tenants",
    "unreceived",
    "without",
]
