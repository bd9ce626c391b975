"""One task, as many firms' clients as there are: one claims it."""

from collections import Counter
from functools import partial
from threading import Barrier

from marketplace import access, actions
from marketplace.models import Claim
from tests.integration.marketplace.scenes import published, told
from tests.personas import organisation
from tests.races.crowd import GATE_WITHIN_S, OBJECTS, WON, crowd, outcome
from tests.races.tally import Tally
from tests.races.truth import sound

TAKEN = "The task was claimed by another firm."


def test_exactly_one_of_all_racing_clients_wins_every_round(aurora):
    firms, tally, won = [organisation(f"Firm{n}", "service_firm") for n in range(4)], Tally("claims"), 0
    with crowd() as clients:
        for _ in tally.goes():
            tasks = [published(aurora) for _ in range(OBJECTS)]
            gate = Barrier(clients.size)
            places = [(firms[n // OBJECTS % 4], tasks[n % OBJECTS].pk) for n in range(clients.size)]
            answers = clients.at_once([partial(_claimed, *place, gate) for place in places])
            for n, task in enumerate(tasks):
                of_task = answers[n::OBJECTS]
                assert Counter(of_task) == {WON: 1, TAKEN: len(of_task) - 1}
                with aurora.acting():
                    claims = list(
                        Claim.objects.filter(task=task.pk).values_list("tenant", "token", "agreement__status")
                    )
                assert claims == [(firms[of_task.index(WON) % 4].id, 1, "active")]
            won += OBJECTS
            tally.count(attempts=clients.size, won=OBJECTS, refused=clients.size - OBJECTS)
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
