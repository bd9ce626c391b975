"""Each policy opened and each composite key dropped in its turn: somebody has to notice every time."""

from itertools import groupby

import pytest

from tests.sweep.mutants import Laboratory

# Policies that refuse nobody, and why that is right.
OPEN = {("tenants_usagemark", "wall_select"): "how far counting has come; nothing of an organisation is in it"}


@pytest.fixture
def laboratory(aurora, cassia):
    found = Laboratory(aurora.id, cassia.id)
    yield found
    found.connection.close()


def survives(laboratory, policy, foreign) -> list[tuple[str, str]]:
    """What each verb came to before and after the policy was opened, if that made no difference."""
    outcomes = [
        (
            laboratory.probe(policy.table, verb, foreign),
            laboratory.probe(policy.table, verb, foreign, policy.opened()),
        )
        for verb in policy.verbs
    ]
    return outcomes if all(before == after for before, after in outcomes) else []


def test_every_opened_policy_is_noticed(laboratory, capsys):
    survivors = []
    policies = [policy for policy in laboratory.policies() if (policy.table, policy.name) not in OPEN]
    for table, found in groupby(policies, key=lambda policy: policy.table):
        with laboratory.planted(table) as foreign:
            survivors += [
                f"{table}.{policy.name}: {outcomes}"
                for policy in found
                if (outcomes := survives(laboratory, policy, foreign))
            ]
    with capsys.disabled():
        print(f"\nmutants: {len(policies) - len(survivors)} of {len(policies)} opened policies killed")
    assert survivors == []


def test_every_dropped_composite_key_is_noticed(laboratory, capsys):
    survivors, keys = [], laboratory.keys()
    for key in keys:
        with laboratory.referring(key) as ends:
            before, after = laboratory.refer_abroad(key, *ends), laboratory.refer_abroad(key, *ends, key.dropped())
        if before != "ForeignKeyViolation" or after == before:
            survivors.append(f"{key.table}.{key.name}: {before} / {after}")
    with capsys.disabled():
        print(f"\nmutants: {len(keys) - len(survivors)} of {len(keys)} dropped composite keys killed")
    assert survivors == []
