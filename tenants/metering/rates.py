"""Rate plans and who has which: platform operators' work (`as_platform`)."""

from collections.abc import Iterable
from datetime import date

from tenants.data import FieldError, Invalid
from tenants.models import Rate, RateAssignment, RatePlan, Tenant


def make_plan(
    *,
    name: str,
    currency: str,
    from_month: date,
    rates: Iterable[tuple[str, int, int, int]],
    kind: str = "",
    is_standard: bool = True,
) -> RatePlan:
    """A plan that never changes; `rates` are (meter, above, price_minor, per)."""
    plan = RatePlan.objects.create(
        name=name, currency=currency, from_month=from_month, kind=kind, is_standard=is_standard
    )
    Rate.objects.bulk_create(
        Rate(plan=plan, meter=meter, above=above, price_minor=price_minor, per=per)
        for meter, above, price_minor, per in rates
    )
    return plan


def assign_plan(*, tenant: Tenant, plan: RatePlan, from_month: date) -> RateAssignment:
    """From that month on the organisation pays by this plan; a closed statement keeps its own."""
    refuse_other_currency(tenant, plan)
    return RateAssignment.objects.create(tenant=tenant, plan=plan, from_month=from_month)


def refuse_other_currency(tenant: Tenant, plan: RatePlan) -> None:
    if plan.currency != tenant.currency:
        words = f"give a plan in {tenant.currency}, the currency of the organisation"
        raise Invalid("The plan is in another currency.", (FieldError("/plan", words),))
