"""The database itself refuses what the lifecycle does not allow, whoever writes."""

from contextlib import nullcontext
from uuid import UUID

import pytest
from django.db import IntegrityError, ProgrammingError

from marketplace.lifecycle import TRANSITIONS, WAYS, Mode, State
from marketplace.models import Claim, ServiceTask
from tests.integration.marketplace.guards import sql
from tests.integration.marketplace.scenes import SNAPSHOT, claimed, published, submitted

BIDS_UNTIL = {"claim": None, "quotation": "2030-01-01T00:00Z", "tender": "2030-01-01T00:00Z"}
OTHER_WAYS = {mode: {TRANSITIONS[State.OPEN, way] for other, way in WAYS.items() if other != mode} for mode in Mode}
PATHS = {
    Mode.CLAIM: {
        "claimed": ["open", "claimed"],
        "submitted": ["open", "claimed", "submitted"],
        "closed": ["open", "claimed", "submitted", "closed"],
    },
    Mode.QUOTATION: {"evaluating": ["open", "evaluating"]},
    Mode.TENDER: {
        "sealed_closed": ["open", "sealed_closed"],
        "opened": ["open", "sealed_closed", "opened"],
        "evaluating": ["open", "sealed_closed", "opened", "evaluating"],
        "unsuccessful": ["open", "sealed_closed", "unsuccessful"],
        "awarded": ["open", "sealed_closed", "opened", "evaluating", "awarded"],
        "contracted": ["open", "sealed_closed", "opened", "evaluating", "awarded", "contracted"],
        "terminated": ["open", "sealed_closed", "opened", "evaluating", "awarded", "contracted", "terminated"],
        "closed": ["open", "sealed_closed", "opened", "evaluating", "awarded", "contracted", "closed"],
    },
}
COMMON = {"draft": [], "open": ["open"], "cancelled": ["cancelled"]}
CELLS = [(mode, State(state), path) for mode in Mode for state, path in (COMMON | PATHS[mode]).items()]


def legal(mode, source, target):
    if source is State.OPEN and target in OTHER_WAYS[mode]:
        return False
    return source is target or (source, target) in {(start, end) for (start, _), end in TRANSITIONS.items()}


def row(owner, **changed):
    site = owner.sites["north"].pk
    values = {
        "title": "t",
        "category": "design",
        "snapshot": SNAPSHOT,
        "access_h": 1,
        "fee_minor": 0,
        "currency": "USD",
    }
    return ServiceTask.objects.create(tenant_id=owner.id, site_id=site, **values | changed)


@pytest.mark.parametrize(("mode", "source", "path"), CELLS)
def test_database_takes_exactly_the_pairs_of_the_table(aurora, mode, source, path):
    for target in State:
        with aurora.acting():
            task = row(aurora, mode=mode.value, bids_until=BIDS_UNTIL[mode])
            for state in path:
                sql("UPDATE marketplace_servicetask SET state = %s WHERE id = %s", state, task.pk)
        expected = (
            nullcontext() if legal(mode, source, target) else pytest.raises(IntegrityError, match="can not go from")
        )
        with expected, aurora.acting():
            assert sql("UPDATE marketplace_servicetask SET state = %s WHERE id = %s", target.value, task.pk) == 1


def test_task_begins_as_a_draft(aurora):
    for state in set(State) - {State.DRAFT}:
        with pytest.raises(IntegrityError, match="begins as a draft"), aurora.acting():
            row(aurora, state=state.value)


@pytest.mark.parametrize(
    ("state", "column", "value"),
    [
        ("draft", "snapshot", '{"site_name": "elsewhere"}'),
        ("draft", "equipment_id", str(UUID(int=1))),
        ("open", "snapshot", "{}"),
        ("open", "fee_minor", "1"),
        ("open", "opens", "{manage}"),
        ("open", "access_h", "9"),
        ("open", "title", "other work"),
        ("open", "token", "-1"),
        ("open", "version", "0"),
    ],
)
def test_what_was_promised_never_changes(aurora, state, column, value):
    with aurora.acting():
        task = row(aurora)
        if state == "open":
            sql("UPDATE marketplace_servicetask SET state = 'open' WHERE id = %s", task.pk)
    with pytest.raises(IntegrityError, match=r"never change|only rise"), aurora.acting():
        sql(f"UPDATE marketplace_servicetask SET {column} = %s WHERE id = %s", value, task.pk)


def test_terms_of_a_draft_may_still_change(aurora):
    with aurora.acting():
        task = row(aurora)
        assert sql("UPDATE marketplace_servicetask SET fee_minor = 7, title = 'u' WHERE id = %s", task.pk) == 1


def claim_values(task, firm, agreement, token=9):
    times = {"claimed_at": "2026-01-01T00:00Z", "lease_until": "2026-01-02T00:00Z"}
    parties = {"tenant_id": firm.id, "owner_id": task.tenant_id}
    return {**parties, **times, "task_id": task.pk, "agreement_id": agreement, "token": token}


def test_second_live_claim_is_refused_by_the_index(aurora, borealis, cassia):
    task = published(aurora)
    claim = claimed(task, borealis)
    with pytest.raises(IntegrityError, match="claim_one_live"), aurora.acting():
        Claim.objects.create(**claim_values(task, cassia, claim.agreement_id), firm_name="Cassia")


def test_claim_of_the_owner_on_their_own_task_is_refused_by_the_database(aurora, borealis):
    task, other = published(aurora), claimed(published(aurora), borealis)
    with pytest.raises(IntegrityError, match="claim_between_two"), aurora.acting():
        Claim.objects.create(**claim_values(task, aurora, other.agreement_id), firm_name="Aurora")


def test_firm_can_not_write_a_claim_for_itself(aurora, borealis, cassia):
    """A claim row lets its firm read the task, so only the owner's name may write one."""
    claim = claimed(published(aurora), borealis)
    draft = published(aurora)
    with pytest.raises(ProgrammingError, match="row-level security"), cassia.acting():
        Claim.objects.create(**claim_values(draft, cassia, claim.agreement_id), firm_name="Cassia")
    with borealis.acting():
        assert sql("UPDATE marketplace_claim SET lease_until = now() + interval '1 year' WHERE id = %s", claim.pk) == 0
        assert sql("DELETE FROM marketplace_claim WHERE id = %s", claim.pk) == 0
        assert sql("UPDATE marketplace_servicetask SET fee_minor = 1 WHERE id = %s", claim.task_id) == 0


@pytest.mark.parametrize("change", ["state = 'rejected'", "ended_at = now()", "state = 'refused', ended_at = now()"])
def test_claim_ends_in_a_known_way_with_its_time(aurora, borealis, change):
    claim = claimed(published(aurora), borealis)
    with pytest.raises(IntegrityError, match="claim_ended_or_live"), aurora.acting():
        sql(f"UPDATE marketplace_claim SET {change} WHERE id = %s", claim.pk)


def test_ended_claim_never_comes_back(aurora, borealis):
    task = published(aurora)
    claim = claimed(task, borealis)
    with pytest.raises(IntegrityError, match="whose claim it is"), aurora.acting():
        sql("UPDATE marketplace_claim SET token = 2 WHERE id = %s", claim.pk)
    submitted(task, borealis)
    with aurora.acting():
        sql("UPDATE marketplace_claim SET state = 'completed', ended_at = now() WHERE id = %s", claim.pk)
    with pytest.raises(IntegrityError, match="ended never changes"), aurora.acting():
        sql("UPDATE marketplace_claim SET state = 'live', ended_at = NULL WHERE id = %s", claim.pk)


def test_claim_can_not_name_another_owners_task_or_agreement(aurora, borealis, cassia):
    """The composite keys: task and agreement belong to the owner that the claim names."""
    task, claim = published(cassia, site_id=_site(cassia)), claimed(published(aurora), borealis)
    values = claim_values(task, borealis, claim.agreement_id)
    with pytest.raises(IntegrityError, match="agreement_id_wall"), cassia.acting():
        Claim.objects.create(**values, firm_name="Borealis")
    with pytest.raises(IntegrityError, match="task_id_wall"), aurora.acting():
        Claim.objects.create(**values | {"owner_id": aurora.id}, firm_name="Borealis")


def _site(owner):
    from tenants.actions import register_site

    with owner.acting():
        return register_site(code="pit", name="Pit", kind="mine").pk
