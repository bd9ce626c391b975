"""The database itself refuses what contracts do not allow, whoever writes."""

import pytest
from django.db import IntegrityError, ProgrammingError

from marketplace.contracts.lifecycle import CONTRACTS, MILESTONES, ContractState, MilestoneState
from marketplace.models import Contract, JournalEntry, JournalLine, Milestone, Rating
from tests.integration.marketplace.contract_scenes import accepted, billed, closed, received, written
from tests.integration.marketplace.guards import sql, takes_only

PAIRS = {
    Contract: {(source, target) for (source, _), target in CONTRACTS.items()},
    Milestone: {(source, target) for (source, _), target in MILESTONES.items()},
}


def test_database_takes_exactly_the_pairs_of_the_tables(aurora, borealis):
    contract = written(aurora, borealis)
    with aurora.acting():
        first = Milestone.objects.get(contract=contract, number=1)
    for row, states in ((contract, ContractState), (first, MilestoneState)):
        takes_only(aurora, row, states, PAIRS[type(row)])


def test_contract_and_milestone_begin_at_their_beginning(aurora, borealis):
    contract = written(aurora, borealis)
    with aurora.acting():
        first = Milestone.objects.get(contract=contract, number=1)
    for row, states in ((contract, ContractState), (first, MilestoneState)):
        for state in list(states)[1:]:
            row.state, row._state.adding = state.value, True
            with pytest.raises(IntegrityError, match="begins"), aurora.acting():
                row.save(force_insert=True)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("contract", "price_minor", "1"),
        ("contract", "retention_bp", "1"),
        ("contract", "currency", "EUR"),
        ("contract", "version", "0"),
        ("contract", "tax_bp", "1"),
        ("milestone", "amount_minor", "1"),
        ("milestone", "share_bp", "1"),
        ("submission", "note", "other"),
        ("inspection", "outcome", "rework"),
        ("receipt", "amount_minor", "1"),
        ("invoice", "number", "2"),
        ("invoice", "state", "returned"),
        ("invoiceline", "net_minor", "1"),
        ("journalentry", "kind", "payment"),
        ("journalline", "amount_minor", "1"),
        ("dispute", "reason", "other"),
        ("rating", "stars", "1"),
    ],
)
def test_what_was_agreed_or_booked_never_changes(agreed, table, column, value):
    owner, _ = agreed
    with (
        pytest.raises(IntegrityError, match=r"never change|only rise|received under|only an invoice|Only an"),
        owner.acting(),
    ):
        sql(f"UPDATE marketplace_{table} SET {column} = %s", value)


@pytest.fixture(scope="module")
def agreed():
    """A contract with a row of every kind, which nobody here may change."""
    from marketplace.contracts import access, disputes, ratings
    from tests import personas

    owner, firm = personas.aurora(), personas.borealis()
    done = closed(owner, firm)
    with owner.acting():
        ratings.rate(contract=access.get_contract(done.pk), stars=5)
    contract = written(owner, firm)
    accepted(owner, firm, contract)
    received(owner, contract)
    billed(firm, contract, "R-9", (1, 83_325, 0))
    with owner.acting():
        disputes.open_dispute(contract=access.get_contract(contract.pk), reason="late")
        disputes.add_note(contract=contract, words="very late")
    return owner, firm


def test_firm_writes_nothing_itself(agreed):
    """Not even its own invoice: every row of a contract is written in the buyer's name."""
    _, firm = agreed
    tables = ("contract", "milestone", "submission", "invoice", "journalline", "disputenote")
    with firm.acting():
        for table in tables:
            assert sql(f"SELECT FROM marketplace_{table}") > 0
            assert sql(f"UPDATE marketplace_{table} SET id = id") == 0
            assert sql(f"DELETE FROM marketplace_{table}") == 0


def test_nobody_deletes_books_nor_contracts(agreed):
    owner, _ = agreed
    with owner.acting():
        assert [sql(f"DELETE FROM marketplace_{table}") for table in ("contract", "journalentry", "journalline")] == [
            0
        ] * 3


def test_entry_that_does_not_balance_is_refused_at_the_commit(agreed):
    owner, _ = agreed
    with owner.acting():
        entry = JournalEntry.objects.filter(kind="accrual").first()
        about = {"tenant_id": owner.id, "firm_id": entry.firm_id, "contract_id": entry.contract_id, "entry": entry}
    for lines in ([("cash", 5, "USD")], [("cash", 5, "USD"), ("payable", -5, "EUR")]):
        with pytest.raises(IntegrityError, match="does not balance"), owner.acting():
            for account, amount, currency in lines:
                JournalLine.objects.create(**about, account=account, amount_minor=amount, currency=currency)
    with owner.acting():
        for amount in (5, -5):
            JournalLine.objects.create(**about, account="cash", amount_minor=amount, currency="USD")


def test_row_of_a_contract_names_its_firm(agreed, cassia):
    """The key of three columns: otherwise a row could be shown to a firm that has nothing to do with the contract."""
    owner, _ = agreed
    with owner.acting():
        entry = JournalEntry.objects.filter(kind="accrual").first()
    entry.pk, entry.firm_id, entry._state.adding = None, cassia.id, True
    entry.pk = JournalEntry._meta.pk.get_default()
    with pytest.raises(IntegrityError, match="firm_of_contract"), owner.acting():
        entry.save(force_insert=True)


def test_rating_is_written_in_ones_own_name_about_the_other_party(agreed, cassia):
    owner, firm = agreed
    with owner.acting():
        rating = Rating.objects.get()
    values = {"owner_id": owner.id, "contract_id": rating.contract_id, "stars": 1, "revealed_at": rating.revealed_at}
    with pytest.raises(ProgrammingError, match="row-level security"), cassia.acting():
        Rating.objects.create(tenant_id=firm.id, about_id=owner.id, **values)
    for tenant, about in ((cassia, firm), (cassia, cassia)):
        with pytest.raises(IntegrityError, match="between_the_parties"), tenant.acting():
            Rating.objects.create(tenant_id=tenant.id, about_id=about.id, **values)
