"""Any sequence of legal steps: the books balance entry by entry, and say of every milestone what a plain count says.

`BOOKS_EXAMPLES=60` tries more sequences than the check.
"""

import os
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.contracts import queries
from marketplace.contracts.access import get_contract
from marketplace.contracts.data import part_of
from marketplace.contracts.settlement import return_invoice, set_terms
from marketplace.models import Contract, Invoice, JournalLine, Milestone
from tenants.data import Conflict
from tenants.resources.actions import register_person
from tests import personas
from tests.integration.marketplace import session_scenes as sessions
from tests.integration.marketplace.contract_scenes import (
    accepted,
    billed,
    disputed_by,
    paid,
    received,
    released,
    terminated_by,
    withdrawn_by,
    written,
)
from tests.personas import Organisation

STEPS = ("accept", "receive", "bill", "bill wrongly", "return", "pay", "release", "session", "dispute", "withdraw")
LAST = ("bill", "pay", "release", "terminate")
MOST = 5  # three that the contract has, and two sessions


@dataclass
class Count:
    """What is expected of one milestone, counted without any account."""

    received: int = 0
    net: int = 0
    tax: int = 0
    retained: int = 0
    paid: int = 0

    @property
    def owed(self) -> int:
        """Accrued, payable and retained together."""
        return (self.net + self.tax if self.net else self.received) - self.paid


@dataclass
class Story:
    owner: Organisation
    firm: Organisation
    contract: Contract
    chance: random.Random
    invoices: int = 0
    counts: dict[int, Count] = field(default_factory=lambda: {n: Count() for n in (1, 2, 3)})

    def take(self, step: str, n: int) -> None:
        """The step, if it is legal now; a refusal leaves everything as it was."""
        if n not in self.counts:
            return
        try:
            getattr(self, step.replace(" ", "_") + "_")(n)
        except Conflict:
            return

    def accept_(self, n: int) -> None:
        accepted(self.owner, self.firm, self.contract, n)

    def receive_(self, n: int) -> None:
        amount = self._amount(n) - self.chance.choice([0, 1, 7])
        received(self.owner, self.contract, n, amount_minor=max(amount, 0))
        self.counts[n].received = max(amount, 0)

    def bill_(self, n: int) -> None:
        """Up to the tolerance above what was received."""
        count = self.counts[n]
        net = count.received + self.chance.choice([0, part_of(count.received, 100)])
        tax = part_of(net, 1_900)
        if billed(self.firm, self.contract, self._number(), (n, net, tax)).state == Invoice.State.MATCHED:
            count.net, count.tax, count.retained = net, tax, part_of(net, 1_000)

    def bill_wrongly_(self, n: int) -> None:
        asked = (n, 2 * self._amount(n) + 1, 0)
        assert billed(self.firm, self.contract, self._number(), asked).state == Invoice.State.MISMATCHED

    def return_(self, n: int) -> None:
        with self.owner.acting():
            for invoice in queries.invoices().filter(
                contract=self.contract, state="mismatched", lines__milestone__number=n
            ):
                return_invoice(invoice=invoice, reason="it does not agree")

    def pay_(self, n: int) -> None:
        count = self.counts[n]
        count.paid += paid(self.owner, self.contract, n)

    def release_(self, n: int) -> None:
        released(self.owner, self.contract, n)

    def session_(self, n: int) -> None:
        """Some minutes, of which each begun one counts, beside the price."""
        if len(self.counts) == MOST:
            return
        minutes = self.chance.randint(1, 59)
        with self.firm.acting():
            person = register_person(code=uuid4().hex, name="Wei Chen")
        session = sessions.running(self.owner, self.firm, self.contract, person)
        sessions.as_if(session, started_at=datetime.now(UTC) - timedelta(minutes=minutes - 0.5))
        sessions.taken(self.firm, "stop_session", session, result="seen")
        sessions.taken(self.owner, "accept_minutes", session)
        self.counts[len(self.counts) + 1] = Count(received=minutes * sessions.RATE)

    def terminate_(self, n: int) -> None:
        terminated_by(self.firm, self.contract)

    def dispute_(self, n: int) -> None:
        disputed_by(self.owner, self.contract)

    def withdraw_(self, n: int) -> None:
        withdrawn_by(self.owner, self.contract)

    def _number(self) -> str:
        self.invoices += 1
        return f"{self.contract.pk} {self.invoices}"

    def _amount(self, n: int) -> int:
        with self.owner.acting():
            return Milestone.objects.get(contract=self.contract, number=n).amount_minor

    def check(self) -> None:
        with self.owner.acting():
            lines = JournalLine.objects.filter(contract=self.contract)
            entries = lines.values_list("entry", "currency").annotate(Sum("amount_minor")).order_by()
            assert [sum_ for *_, sum_ in entries if sum_] == []
            balances = queries.balances_by_milestone(self.contract)
            for each in Milestone.objects.filter(contract=self.contract):
                self._check_milestone(
                    each, {account: sum_ for (pk, account), sum_ in balances.items() if pk == each.pk}
                )

    def _check_milestone(self, milestone: Milestone, on: dict[str, int]) -> None:
        count = self.counts[milestone.number]
        assert on.get("work_in_progress", 0) == count.received
        assert -on.get("cash", 0) == count.paid
        assert -sum(on.get(account, 0) for account in ("accrued", "payable", "retention")) == count.owed
        held = count.retained if milestone.state in ("matched", "paid") else 0
        assert -on.get("retention", 0) == held
        if milestone.state in ("settled", "paid"):
            assert count.paid + held == count.net + count.tax


@pytest.fixture(scope="module")
def parties():
    return personas.aurora(), personas.borealis()


@given(
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, MOST)), min_size=8, max_size=20),
    last=st.lists(st.tuples(st.sampled_from(LAST), st.integers(1, MOST)), max_size=6),
    price=st.integers(0, 10**7),
    chance=st.randoms(use_true_random=False),
)
@settings(
    max_examples=int(os.environ.get("BOOKS_EXAMPLES", "4")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
def test_books_balance_and_owe_what_was_accepted_after_any_steps(parties, steps, last, price, chance):
    owner, firm = parties
    contract = written(owner, firm, price_minor=price, retention_bp=1_000, warranty_d=30)
    with owner.acting():
        set_terms(contract=get_contract(contract.pk), tax_bp=1_900, tolerance_bp=100)
    story = Story(owner, firm, contract, chance)
    for _ in range(chance.randrange(3)):
        story.take("session", 1)
    for n in range(1, MOST + 1):  # enough of the usual way, so that the odd steps meet every state
        for step in ("accept", "receive", "bill", "pay", "release", "pay")[: chance.randrange(7)]:
            story.take(step, n)
    for step, n in [*steps, *last]:
        story.take(step, n)
    story.check()
