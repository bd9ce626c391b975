"""Hand an owed plan to the workers. The row is what counts: a message that is lost here is sent again by the sweep."""

import logging
from uuid import UUID

from kombu.exceptions import OperationalError

from tenants.data import Actor
from tenants.task import send_as

SOLVE_PLAN = "optimization.solve_plan"
QUEUE = "plans"
# A queue of their own: a coordinator that holds a worker of `plans` never keeps its own parts from being taken.
SOLVE_PART = "optimization.solve_part"
PARTS = "parts"
# A study may take hours, and never holds up a plan.
RUN_STUDY = "optimization.run_study"
STUDIES = "studies"
DOORS = {"plan": (SOLVE_PLAN, QUEUE), "experiment": (RUN_STUDY, STUDIES)}
log = logging.getLogger(__name__)


def send(requester: Actor, run_id: UUID, noun: str = "plan") -> None:
    """Never fails the request it comes from, and with a dead broker only costs it one attempt to connect."""
    try:
        task, queue = DOORS[noun]
        send_as(requester, task, str(run_id), queue=queue)
    except OperationalError as error:
        log.warning("%s %s could not be sent and stays owed: %s", noun, run_id, error)
