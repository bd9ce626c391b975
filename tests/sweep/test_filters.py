"""Each predicate by organisation in the ORM is taken away in its turn: the query must be noticed as one of all rows."""

from collections import defaultdict

from tests.architecture.test_tables import keyed_tables
from tests.sweep.filters import Site, watched
from tests.sweep.identities import Identity
from tests.sweep.operations import Operation, operations
from tests.sweep.test_two_identities import sweep_of


def test_every_query_names_its_organisation_or_a_key(aurora, capsys):
    sweep, _ = sweep_of(aurora, lambda owner: [])
    owner, walled = Identity("owner", aurora.client(), aurora), set(keyed_tables())
    reads = [operation for operation in operations() if operation.method == "get"]
    asked_by: dict[Site, Operation] = {}
    unpredicated: dict[str, list[str]] = defaultdict(list)
    for operation in reads:
        with watched(walled) as watch:
            sweep._ask(owner, operation, sweep.ids)
        asked_by |= dict.fromkeys(watch.sites - asked_by.keys(), operation)
        for query in watch.unpredicated:
            unpredicated[query].append(str(operation))
    found = [f"{query}: {asked[0]}" for query, asked in sorted(unpredicated.items())]
    assert found == [], "\n".join(found)
    noticed = [site for site, operation in asked_by.items() if is_noticed(sweep, owner, walled, site, operation)]
    with capsys.disabled():
        print(
            f"\nmutants: {len(noticed)} of {len(asked_by)} predicates by organisation killed; "
            "the others go with a key, where the wall alone decides"
        )
    assert len(noticed) > 20


def is_noticed(sweep, owner, walled, site, operation) -> bool:
    with watched(walled, without=site) as watch:
        sweep._ask(owner, operation, sweep.ids)
    return bool(watch.unpredicated)
