"""Aurora's objects, asked for by everyone else: over every operation and every id that the OpenAPI document names."""

from collections.abc import Callable

import pytest

from marketplace.models import ServiceTask
from tenants.context import as_platform
from tests.personas import Organisation
from tests.places import Places
from tests.sweep.belongings import digest_of, rows_of, secrets_in
from tests.sweep.identities import Identity, opened_ways, shut_ways, strangers
from tests.sweep.operations import Operation, operations
from tests.sweep.probes import Sweep

# Ids that a body or a query names otherwise than the route's argument.
OTHER_NAMES = {
    **{"mine": "site", "home_site": "site", "from_site": "site", "to_site": "site", "parent": "company"},
    **{"plan": "plan", "base": "plan", "to": "plan", "batches": "batch", "scenario_version": "scenario"},
    "sites": "site",
    **{"folded_into": "alarm", "type": "command_type", "before": "task", "after": "series"},
    **{"framework": "agreement", "supersedes": "agreement", "service_account": "account"},
}
OWNER = ("partner", "tenant", "participant", "owner", "reader", "epoch", "subject", "invited", "mediator")
USER = ("user", "member", "members", "assigned_to")
GROUPS = {"strangers": strangers, "agreements that open": opened_ways, "agreements that do not": shut_ways}


def sweep_of(owner: Organisation, invite: Callable[[Organisation], list[Identity]]) -> tuple[Sweep, list[Identity]]:
    """The owner with an object of every kind, and those who ask for them."""
    with as_platform("tests", "the open tasks of earlier tests say the same words, to everyone"):
        ServiceTask.objects.filter(state="open").update(state="cancelled")
    places, identities = Places.of_aurora(owner), invite(owner)
    rows = rows_of(owner.id)
    ids = {name: str(value) for name, value in places.ids.items()}
    ids |= {name.removesuffix("_id"): value for name, value in ids.items()}
    ids |= {other: ids[name] for other, name in OTHER_NAMES.items()}
    ids |= dict.fromkeys(OWNER, str(owner.id)) | dict.fromkeys(USER, str(owner.user.pk))
    for name, label in (("clause", "Clause"), ("skill", "Skill"), ("material", "Material")):
        ids[name] = str(rows[f"tenants.{label}"][0].pk)
    return Sweep(owner, rows, secrets_in(row for found in rows.values() for row in found), ids), identities


def parameters_of(asked: tuple[Operation, ...]) -> set[object]:
    return {(operation.operation_id, parameter) for operation in asked for parameter in operation.ids}


def told(sweep: Sweep, identities: list[Identity], asked: tuple[Operation, ...]) -> str:
    return (
        f"two identities: {sweep.probes} probes by {len(identities)} identities, "
        f"{len(sweep.operations)} of {len(asked)} operations, "
        f"{len(sweep.parameters)} of {len(parameters_of(asked))} id parameters, {len(sweep.leaks)} leaks"
    )


@pytest.mark.parametrize("group", GROUPS)
def test_no_operation_shows_or_changes_anything_for_those_it_is_not_open_to(aurora, capsys, group):
    asked = operations()
    sweep, identities = sweep_of(aurora, GROUPS[group])
    unnamed = {parameter.name for operation in asked for parameter in operation.ids} - sweep.ids.keys()
    assert sorted(unnamed) == [], "give an object of Aurora's for each"
    for identity in identities:
        sweep.run(identity, sorted(asked, key=lambda operation: operation.method != "get"))
    with capsys.disabled():
        print("\n" + told(sweep, identities, asked))
    assert sweep.leaks == []
    assert sweep.operations == {operation.operation_id for operation in asked}
    if group != "agreements that open":  # what is open can't be held against what is absent
        assert sweep.parameters == parameters_of(asked)
    assert digest_of(rows_of(aurora.id)) == digest_of(sweep.rows)


def test_planted_leak_is_found(aurora):
    """The sweep itself: the owner's own answers are full of what strangers must not see."""
    sweep, _ = sweep_of(aurora, lambda owner: [])
    lists = [operation for operation in operations() if operation.method == "get" and not operation.ids]
    sweep.run(Identity("owner in a stranger's place", aurora.client(), aurora), lists)
    shown = "\n".join(sweep.leaks)
    assert [
        label for label in ("tenants.Site", "tenants.Equipment", "optimization.PlanRun") if label not in shown
    ] == []
