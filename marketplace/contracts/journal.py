"""The buyer's books of a contract as double entries: which step moves how much between which accounts. Pure.

An amount is positive on the debit side and negative on the credit side; the amounts of an entry sum to zero.
"""

from collections.abc import Mapping
from typing import Final

from marketplace.contracts.data import Matched, part_of

ACCOUNTS: Final = {
    "work_in_progress": "Work received",
    "accrued": "Received, not yet invoiced",
    "price_difference": "Differences within the tolerance",
    "tax": "Tax",
    "payable": "Payable",
    "retention": "Retained until the end of the warranty",
    "cash": "Cash",
    "platform_fee": "Platform fee",
    "platform_payable": "Owed to the platform",
}
KINDS: Final = {
    "accrual": "Accrued at the receipt",
    "match": "Owed by the invoice",
    "payment": "Paid",
    "release": "Retention released",
    "fee": "Platform fee",
}

Amounts = Mapping[str, int]


def accrual(received_minor: int) -> Amounts:
    return {"work_in_progress": received_minor, "accrued": -received_minor}


def match(of: Matched, retention_bp: int) -> Amounts:
    """What was accrued becomes payable with its tax, less the retention, which is a share of the amount without tax."""
    retained = part_of(of.invoiced_minor, retention_bp)
    return {
        "accrued": of.received_minor,
        "price_difference": of.invoiced_minor - of.received_minor,
        "tax": of.tax_minor,
        "retention": -retained,
        "payable": retained - of.invoiced_minor - of.tax_minor,
    }


def payment(amount_minor: int) -> Amounts:
    return {"payable": amount_minor, "cash": -amount_minor}


def release(retained_minor: int) -> Amounts:
    return {"retention": retained_minor, "payable": -retained_minor}


def fee(amount_minor: int) -> Amounts:
    return {"platform_fee": amount_minor, "platform_payable": -amount_minor}
