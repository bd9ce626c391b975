"""A sweep over organisations: each one's share is a transaction of its own, and one that fails stops no other."""

import logging
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from django.db import DatabaseError, OperationalError

from tenants.api import acting_as
from tenants.data import Actor, Refusal

# What the rows of one organisation can bring about.
FAULTS: Final = (DatabaseError, Refusal, ArithmeticError, AssertionError, LookupError, ValueError)
log = logging.getLogger(__name__)


def sweep_each(tenant_ids: Iterable[UUID], via: str, share: Callable[[UUID], int]) -> int:
    """The sum of what the shares return. An ExceptionGroup at the end, once everybody had their turn, of those that
    failed."""
    n, failed = 0, list[Exception]()
    for tenant_id in sorted(tenant_ids):
        try:
            n += _swept(tenant_id, via, share)
        except OperationalError as error:  # a deadlock, or a lock that took too long: the next sweep finds it due again
            log.warning("the share of %s in %s waits for the next sweep: %s", tenant_id, via, error)
        except FAULTS as error:
            log.exception("the share of %s in %s failed", tenant_id, via)
            failed.append(error)
    if failed:
        raise ExceptionGroup(f"{len(failed)} organisations' share in {via} failed", failed)
    return n


def _swept(tenant_id: UUID, via: str, share: Callable[[UUID], int]) -> int:
    with acting_as(Actor(tenant_id, None, frozenset(), via)):
        return share(tenant_id)
