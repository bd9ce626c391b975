from tenants.models.agreement import Agreement, AgreementVersion, Clause, Signature
from tenants.models.base import TenantForeignKey, TenantModel, new_id
from tenants.models.booking import Booking, Relocation
from tenants.models.budget import Budget, Statement
from tenants.models.company import Company
from tenants.models.credential import ApiKey
from tenants.models.delegation import Delegation
from tenants.models.equipment import Equipment
from tenants.models.feed import FeedEvent, FeedHead, FeedReceipt, FeedTicket
from tenants.models.grant import EquipmentGroupObjectPermission, SiteGroupObjectPermission
from tenants.models.idempotency import IdempotencyKey
from tenants.models.invitation import Invitation
from tenants.models.ledger import LedgerEntry, LedgerHead
from tenants.models.lifecycle import Closure, Export
from tenants.models.membership import Membership
from tenants.models.person import Certificate, Person, PersonSkill, SiteRequirement, Skill, Training
from tenants.models.platform_access import PlatformAccess
from tenants.models.process import Process
from tenants.models.rate import Rate, RateAssignment, RatePlan
from tenants.models.service_account import ServiceAccount
from tenants.models.shared_read import SharedRead
from tenants.models.site import Site
from tenants.models.stock import Material, StockLevel, StockMove
from tenants.models.sweep import SweepMark
from tenants.models.tenant import Tenant
from tenants.models.usage import UsageEvent, UsageHour, UsageMark
from tenants.models.user import User
from tenants.models.webhook import Webhook, WebhookDelivery

__all__ = [
    "Agreement",
    "AgreementVersion",
    "ApiKey",
    "Booking",
    "Budget",
    "Certificate",
    "Clause",
    "Closure",
    "Company",
    "Delegation",
    "Equipment",
    "EquipmentGroupObjectPermission",
    "Export",
    "FeedEvent",
    "FeedHead",
    "FeedReceipt",
    "FeedTicket",
    "IdempotencyKey",
    "Invitation",
    "LedgerEntry",
    "LedgerHead",
    "Material",
    "Membership",
    "Person",
    "PersonSkill",
    "PlatformAccess",
    "Process",
    "Rate",
    "RateAssignment",
    "RatePlan",
    "Relocation",
    "ServiceAccount",
    "SharedRead",
    "Signature",
    "Site",
    "SiteGroupObjectPermission",
    "SiteRequirement",
    "Skill",
    "Statement",
    "StockLevel",
    "StockMove",
    "SweepMark",
    "Tenant",
    "TenantForeignKey",
    "TenantModel",
    "Training",
    "UsageEvent",
    "UsageHour",
    "UsageMark",
    "User",
    "Webhook",
    "WebhookDelivery",
    "new_id",
]
