"""Who works for whom: firms of one group of companies don't work for each other here.

A trigger judges it in the transaction that writes a claim, a bid, an award or an invitation; here it gets its words.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from django.db import IntegrityError
from django.db.models import QuerySet

from tenants.api import on_behalf_of, tenants
from tenants.data import Forbidden
from tenants.models import Tenant

SISTERS: Final = "marketplace_other_group"
WORDS: Final = (
    "Buyer and firm belong to the same group of companies, and a group doesn't buy from itself here. If that is wrong, "
    "ask the operators of the platform, who keep the groups."
)


@contextmanager
def of_other_groups() -> Iterator[None]:
    """Forbidden where the database refuses what is written because both belong to one group."""
    try:
        yield
    except IntegrityError as error:
        if broken_by(error) != SISTERS:
            raise
        raise Forbidden(WORDS) from None


def broken_by(error: IntegrityError) -> str:
    """The name of the constraint."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""


def unrelated_to(*organisations: UUID) -> QuerySet[Tenant]:
    """Listed organisations that are none of these, nor of a group of companies with one of them."""
    groups = set()
    for each in organisations:
        with on_behalf_of(each):
            groups.add(tenants().get(pk=each).group_name)
    return tenants().filter(listed=True).exclude(pk__in=organisations).exclude(group_name__in=groups - {""})
