"""One task, as many firms' clients as there are: one claims it."""

from collections import Counter
from functools import partial
from threading import Barrier

from marketplace import access, actions
from marketplace.models import Claim
from tests.integration.marketplace.scenes import published, told
from tests.personas import organisation
from tests.races.crowd import GATE_WITHIN_S, WON, crowd, outcome
from tests.races.tally import Tally
from tests.races.truth import sound

TAKEN = "The task was claimed by another firm."


def test_exactly_one_of_all_racing_clients_wins_every_round(aurora):
    firms, tally, won = [organisation(f"Firm{n}", "service_firm") for n in range(4)], Tally("claims"), 0
    with crowd() as clients:
        for _ in tally.rounds():
            task = published(aurora)
            gate = Barrier(clients.size)
            answers = clients.at_once([partial(_claimed, firms[n % 4], task.pk, gate) for n in range(clients.size)])
            assert Counter(answers) == {WON: 1, TAKEN: clients.size - 1}
            with aurora.acting():
                claims = list(Claim.objects.filter(task=task.pk).values_list("tenant", "token", "agreement__status"))
            assert claims == [(firms[answers.index(WON) % 4].id, 1, "active")]
            won += 1
            tally.count(attempts=clients.size, won=1, refused=clients.size - 1)
    assert sum(told(firm).count(("task.claimed", "claimed")) for firm in firms) == won
    sound(aurora, *firms)


def _claimed(firm, task_id, all_have_read):
    """Read the open task, wait until all have read it, then claim."""

    def claim():
        with firm.acting():
            task = access.get_task(task_id, needs="claim_tasks")
            all_have_read.wait(GATE_WITHIN_S)
            actions.claim_task(task=task)

    return outcome(claim)
