"""The public door of metering for the console. Apart from `tenants.api`, which models of apps import."""

from tenants.metering.actions import drop_budget, set_budget
from tenants.metering.clauses import agreement_usage
from tenants.metering.months import bounds_of, month_after, month_of, read_month
from tenants.metering.pricing import METERS
from tenants.metering.queries import (
    budget_of,
    is_billable,
    price_of_next,
    statement_of,
    statements,
    usage_events,
    used_by_day,
    within,
)

__all__ = [
    "METERS",
    "agreement_usage",
    "bounds_of",
    "budget_of",
    "drop_budget",
    "is_billable",
    "month_after",
    "month_of",
    "price_of_next",
    "read_month",
    "set_budget",
    "statement_of",
    "statements",
    "usage_events",
    "used_by_day",
    "within",
]
