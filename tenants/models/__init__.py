from tenants.models.agreement import Agreement, AgreementVersion, Clause, Signature
from tenants.models.base import TenantForeignKey, TenantModel, new_id
from tenants.models.credential import ApiKey
from tenants.models.delegation import Delegation
from tenants.models.equipment import Equipment
from tenants.models.feed import FeedEvent, FeedHead, FeedTicket
from tenants.models.grant import EquipmentGroupObjectPermission, SiteGroupObjectPermission
from tenants.models.idempotency import IdempotencyKey
from tenants.models.membership import Membership
from tenants.models.platform_access import PlatformAccess
from tenants.models.shared_read import SharedRead
from tenants.models.site import Site
from tenants.models.tenant import Tenant
from tenants.models.user import User

__all__ = [
    "Agreement",
    "AgreementVersion",
    "ApiKey",
    "Clause",
    "Delegation",
    "Equipment",
    "EquipmentGroupObjectPermission",
    "FeedEvent",
    "FeedHead",
    "FeedTicket",
    "IdempotencyKey",
    "Membership",
    "PlatformAccess",
    "SharedRead",
    "Signature",
    "Site",
    "SiteGroupObjectPermission",
    "Tenant",
    "TenantForeignKey",
    "TenantModel",
    "User",
    "new_id",
]
