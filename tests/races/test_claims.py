"""One task, as many firms' clients as there are: one claims it."""

import time
from collections import Counter
from functools import partial
from threading import Barrier

from marketplace import access, actions
from marketplace.models import Claim
from tests.integration.marketplace.scenes import published
from tests.integration.marketplace.scenes import told as events
from tests.personas import organisation
from tests.races.crowd import GATE_WITHIN_S, ROUNDS, WON, crowd, outcome, told

TAKEN = "The task was claimed by another firm."


def test_exactly_one_of_all_racing_clients_wins_every_round(aurora):
    firms = [organisation(f"Firm{n}", "service_firm") for n in range(4)]
    tasks, winners, begun = [], [], time.perf_counter()
    with crowd() as clients:
        for _ in range(ROUNDS):
            task = published(aurora)
            gate = Barrier(clients.size)
            answers = clients.at_once([partial(_claimed, firms[n % 4], task.pk, gate) for n in range(clients.size)])
            assert Counter(answers) == {WON: 1, TAKEN: clients.size - 1}
            tasks.append(task.pk)
            winners.append(firms[answers.index(WON) % 4].id)
    with aurora.acting():
        assert list(Claim.objects.filter(task__in=tasks).order_by("pk").values_list("task", "tenant")) == list(
            zip(tasks, winners, strict=True)
        )
    assert sum(events(firm).count(("task.claimed", "claimed")) for firm in firms) == ROUNDS
    told(
        "claims",
        rounds=ROUNDS,
        attempts=ROUNDS * clients.size,
        double_winners=0,
        s=f"{time.perf_counter() - begun:.0f}",
    )


def _claimed(firm, task_id, all_have_read):
    """Read the open task, wait until all have read it, then claim."""

    def claim():
        with firm.acting():
            task = access.get_task(task_id, needs="claim_tasks")
            all_have_read.wait(GATE_WITHIN_S)
            actions.claim_task(task=task)

    return outcome(claim)
