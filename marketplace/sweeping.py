"""A sweep over rows of many organisations: each is a transaction of its own, and one that fails stops no other."""

import logging
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, OperationalError

from tenants.data import Conflict, Refusal

# What one row can bring about.
FAULTS: Final = (
    *(DatabaseError, Refusal, ObjectDoesNotExist, ArithmeticError, AssertionError, AttributeError),
    *(LookupError, TypeError, ValueError, ExceptionGroup),
)
log = logging.getLogger(__name__)
Due = TypeVar("Due")
Sweep = Callable[[], int]


def in_turn(what: str, due: Iterable[Due], act: Callable[[Due], int]) -> int:
    """The sum of what `act` returns. An ExceptionGroup at the end, once all had their turn, of those that failed."""
    n, failed = 0, list[Exception]()
    for each in due:
        try:
            n += act(each)
        except (Conflict, OperationalError) as error:
            # Somebody was quicker, or holds a lock: whatever is still owed, the next sweep finds.
            log.info("%s: %s waits for the next sweep: %s", what, each, error)
        except FAULTS as error:
            log.exception("%s: %s failed", what, each)
            failed.append(error)
    if failed:
        raise ExceptionGroup(f"{what}: {len(failed)} failed", failed)
    return n


def all_of(what: str, *sweeps: Sweep) -> int:
    """Several sweeps, of which none that fails stops the others."""
    return in_turn(what, sweeps, lambda sweep: sweep())
