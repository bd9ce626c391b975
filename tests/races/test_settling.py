"""The buyer's clients all receive the same work at once: it is owed once, and the books balance."""

from collections import Counter
from functools import partial
from threading import Barrier

from marketplace.contracts import settlement
from marketplace.models import JournalLine, Receipt
from tests.integration.marketplace.contract_scenes import THIRDS, accepted, milestone, written
from tests.races.crowd import GATE_WITHIN_S, WON, crowd, outcome
from tests.races.tally import Tally
from tests.races.truth import sound

CHANGED = "The contract has changed since it was read; read it again and decide anew."


def test_work_that_is_received_by_many_at_once_is_owed_once(aurora, borealis):
    tally, contract = Tally("receipts"), None
    with crowd() as clients:
        for turn in tally.rounds():
            number = turn % len(THIRDS) + 1
            if contract is None or number == 1:
                contract = written(aurora, borealis)
            accepted(aurora, borealis, contract, number)
            gate = Barrier(clients.size)
            answers = clients.at_once([partial(_received, aurora, contract, number, gate)] * clients.size)
            assert Counter(answers) == {WON: 1, CHANGED: clients.size - 1}
            with aurora.acting():
                assert Receipt.objects.filter(milestone=milestone(contract, number)).count() == 1
                lines = JournalLine.objects.filter(entry__milestone=milestone(contract, number))
                amounts = sorted(lines.values_list("amount_minor", flat=True))
            assert len(amounts) == 2 and sum(amounts) == 0
            tally.count(attempts=clients.size, won=1, refused=clients.size - 1)
    sound(aurora, borealis)


def _received(owner, contract, number, all_have_read):
    def receive():
        with owner.acting():
            accepted_work = milestone(contract, number)
            all_have_read.wait(GATE_WITHIN_S)
            settlement.receive_milestone(milestone=accepted_work)

    return outcome(receive)
