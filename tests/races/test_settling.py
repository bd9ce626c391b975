"""The buyer's clients all receive the same work at once: it is owed once, and the books balance."""

from collections import Counter
from functools import partial
from threading import Barrier

from marketplace.contracts import settlement
from marketplace.models import JournalLine, Receipt
from tests.integration.marketplace.contract_scenes import THIRDS, accepted, milestone, written
from tests.races.crowd import GATE_WITHIN_S, OBJECTS, WON, crowd, outcome
from tests.races.tally import Tally
from tests.races.truth import sound

CHANGED = "The contract has changed since it was read; read it again and decide anew."


def test_work_that_is_received_by_many_at_once_is_owed_once(aurora, borealis):
    tally, contracts = Tally("receipts"), []
    with crowd() as clients:
        for turn in tally.goes():
            number = turn % len(THIRDS) + 1
            if not contracts or number == 1:
                contracts = [written(aurora, borealis) for _ in range(OBJECTS)]
            for contract in contracts:
                accepted(aurora, borealis, contract, number)
            gate = Barrier(clients.size)
            places = [(contracts[n % OBJECTS], number, gate) for n in range(clients.size)]
            answers = clients.at_once([partial(_received, aurora, *place) for place in places])
            for n, contract in enumerate(contracts):
                of_contract = answers[n::OBJECTS]
                assert Counter(of_contract) == {WON: 1, CHANGED: len(of_contract) - 1}
                with aurora.acting():
                    assert Receipt.objects.filter(milestone=milestone(contract, number)).count() == 1
                    lines = JournalLine.objects.filter(entry__milestone=milestone(contract, number))
                    amounts = sorted(lines.values_list("amount_minor", flat=True))
                assert len(amounts) == 2 and sum(amounts) == 0
            tally.count(attempts=clients.size, won=OBJECTS, refused=clients.size - OBJECTS)
    sound(aurora, borealis)


def _received(owner, contract, number, all_have_read):
    def receive():
        with owner.acting():
            accepted_work = milestone(contract, number)
            all_have_read.wait(GATE_WITHIN_S)
            settlement.receive_milestone(milestone=accepted_work)

    return outcome(receive)
