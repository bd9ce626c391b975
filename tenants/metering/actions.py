"""The writes of metering: the budget, and what it stops."""

from datetime import UTC, datetime
from decimal import Decimal

from django.db.models.functions import Now

from tenants import access
from tenants.data import FieldError, Invalid, PaymentRequired
from tenants.metering import queries
from tenants.metering.months import month_after, month_of
from tenants.models import Budget

LARGEST_CAP_MINOR = 10**15


def set_budget(*, cap_minor: int, warn_frac: Decimal, stops: bool) -> Budget:
    """Put the month's budget; what was told of the old one may be told again of the new one."""
    who = access.require("manage_budget")
    if not 0 <= cap_minor <= LARGEST_CAP_MINOR:
        raise Invalid("The cap is not usable.", (FieldError("/cap_minor", f"give 0 to {LARGEST_CAP_MINOR}"),))
    if not 0 < warn_frac <= 1:
        raise Invalid("The warning is not usable.", (FieldError("/warn_frac", "give a part of 1, such as 0.8"),))
    said = {"cap_minor": cap_minor, "warn_frac": warn_frac, "stops": stops, "set_by_id": who.user_id, "set_at": Now()}
    Budget.objects.update_or_create(tenant_id=who.tenant_id, defaults={**said, "warned_for": None, "reached_for": None})
    return Budget.objects.get(tenant=who.tenant_id)


def drop_budget() -> None:
    """From now on nothing warns and nothing stops."""
    Budget.objects.filter(tenant=access.require("manage_budget").tenant_id).delete()


def require_within_budget() -> None:
    """Before paid work that the organisation asks for itself: PaymentRequired if its budget is used up and stops it.

    What is in hand is not known yet and not counted, so the month may end above its cap by what was asked for before.
    """
    budget = Budget.objects.filter(tenant=access.actor().tenant_id, stops=True).first()
    if budget is None:
        return
    month = month_of(datetime.now(UTC))
    statement = queries.statement_of(budget.tenant_id, month)
    if statement.total_minor >= budget.cap_minor:
        raise PaymentRequired(
            f"The budget of {budget.cap_minor} is used up: {statement.total_minor} so far this month, in minor units "
            f"of {statement.currency}. Raise it, or wait until {month_after(month):%Y-%m-%d} 00:00 UTC."
        )
