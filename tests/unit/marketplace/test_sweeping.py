"""Sweeps: what fails is told at the end and stops nobody else."""

import pytest

from marketplace.sweeping import all_of, in_turn
from tenants.data import Conflict


def test_one_that_fails_stops_no_other_and_is_told_at_the_end():
    done = []

    def act(n):
        if n == 2:
            raise KeyError("title")
        done.append(n)
        return 1

    with pytest.raises(ExceptionGroup, match="leases: 1 failed") as failed:
        in_turn("leases", [1, 2, 3], act)
    assert done == [1, 3] and isinstance(failed.value.exceptions[0], KeyError)


def test_what_somebody_else_was_quicker_at_is_no_failure():
    def act(n):
        if n == 1:
            raise Conflict("It was done meanwhile.")
        return n

    assert in_turn("leases", [1, 2, 3], act) == 5


def test_sweep_that_fails_stops_no_other_sweep():
    def broken():
        return in_turn("leases", [{}], lambda row: row["title"])

    done = []
    with pytest.raises(ExceptionGroup, match="both: 1 failed"):
        all_of("both", broken, lambda: done.append(1) or 1)
    assert done == [1]
