"""Which rate plan an organisation may be given."""

from tenants.data import FieldError, Invalid
from tenants.models import RatePlan, Tenant


def refuse_other_currency(tenant: Tenant, plan: RatePlan) -> None:
    if plan.currency != tenant.currency:
        words = f"give a plan in {tenant.currency}, the currency of the organisation"
        raise Invalid("The plan is in another currency.", (FieldError("/plan", words),))
