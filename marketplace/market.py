"""Those to whom a task was offered learn that it is gone, and that it is open again.

By a sweep, which compares what they were told last with how the task stands: so a claim costs nothing for it, however
many organisations there are, and nobody is told of a claim that was released a moment later.
"""

from uuid import UUID

from django.db.models import Q

from marketplace.desk.queries import readers_of
from marketplace.lifecycle import State
from marketplace.models import ServiceTask
from marketplace.moves import tell
from marketplace.sweeping import in_turn
from tenants.api import acting_as, as_platform
from tenants.data import Actor

SWEEP_LIMIT = 200
OUTDATED = Q(is_offered=True) & ~Q(state=State.OPEN) | Q(is_offered=False, state=State.OPEN)


def tell_market() -> int:
    """Returns of how many tasks the market was told."""
    with as_platform("sweep", "tell the market what is gone and what is open again") as sweep:
        due = list(ServiceTask.objects.filter(OUTDATED).values_list("tenant", "pk")[:SWEEP_LIMIT])
        sweep.leaves_trace = bool(due)
    return in_turn("the market", due, _tell)


def _tell(owed: tuple[UUID, UUID]) -> int:
    owner_id, task_id = owed
    with acting_as(Actor(owner_id, None, frozenset(), "cloud:market")):
        task = ServiceTask.objects.select_for_update().filter(OUTDATED, pk=task_id).first()
        if task is None:
            return 0
        is_open = task.state == State.OPEN
        ServiceTask.objects.filter(pk=task_id).update(is_offered=is_open)
        tell("task.published" if is_open else "task.gone", task, to=readers_of(task))
        return 1
