"""What was read under an agreement and what that costs, for its page."""

from datetime import UTC, datetime
from typing import Any

from cloudmining.console.agreement_words import PER
from cloudmining.console.money import in_words
from tenants.metering import api as metering


def costs_of(agreement: Any, clauses: Any) -> dict[str, Any] | None:
    """This month in lines and the last twelve in sums; None before it came into force. A framework costs nothing."""
    if agreement.activated_at is None or agreement.kind == "framework":
        return None
    usage = metering.agreement_usage(agreement, metering.month_of(datetime.now(UTC)))
    names = {clause.pk: (clause.name, clause.code) for clause in clauses}
    return {
        "month": usage.month,
        "lines": [_line(line, names, usage.currency) for line in usage.lines if line.clause in names],
        "months": [
            {"month": each.month, "rows": each.rows_read, "amount": in_words(each.total_minor, usage.currency)}
            for each in usage.months
        ],
        "rows": usage.months_total["rows_read"],
        "amount": in_words(usage.months_total["total_minor"], usage.currency),
    }


def _line(line: Any, names: dict[Any, tuple[str, str]], currency: str) -> dict[str, Any]:
    name, code = names[line.clause]
    price = "" if line.price_minor is None else f"{in_words(line.price_minor, currency)} {PER[line.price_per]}"
    return {
        "name": name,
        "code": code,
        "rows": line.rows_read,
        "price": price,
        "amount": in_words(line.amount_minor, currency),
    }
