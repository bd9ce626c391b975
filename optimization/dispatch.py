"""Hand an owed plan to the workers. The row is what counts: a message that is lost here is sent again by the sweep."""

import logging
from uuid import UUID

from kombu.exceptions import OperationalError

from tenants.data import Actor
from tenants.task import send_as

SOLVE_PLAN = "optimization.solve_plan"
QUEUE = "plans"
log = logging.getLogger(__name__)


def send(requester: Actor, run_id: UUID) -> None:
    """Never fails the request it comes from, and with a dead broker only costs it one attempt to connect."""
    try:
        send_as(requester, SOLVE_PLAN, str(run_id), queue=QUEUE)
    except OperationalError as error:
        log.warning("plan %s could not be sent and stays owed: %s", run_id, error)
