"""The pulse of a running solve: a thread that tells the database that it lives and asks whether it should stop.

A thread, since the solver may be silent for a long while; it has a connection of its own, and transactions of a moment.
"""

import logging
from threading import Event, Thread
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from optimization import actions
from optimization.data import SolveProgress
from tenants.api import acting_as
from tenants.data import Actor

PULSE_S = 1.0
log = logging.getLogger(__name__)


class Pulse:
    """Around a solve: hand `tell` and `stopped.is_set` to the solver."""

    def __init__(self, actor: Actor, run_id: UUID, attempt: int) -> None:
        self.stopped = Event()
        self._actor, self._run_id, self._attempt = actor, run_id, attempt
        self._latest: dict[str, Any] | None = None
        self._recorded: dict[str, Any] | None = None
        self._over = Event()
        self._thread = Thread(target=self._run, name=f"pulse-{run_id}", daemon=True)

    def __enter__(self) -> "Pulse":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def tell(self, progress: SolveProgress) -> None:
        """Keep the news for the next beat; nothing here waits."""
        self._latest = {
            "stage": "solving",
            "incumbent": progress.incumbent_usd,
            "bound": progress.dual_bound_usd,
            "gap": progress.relative_gap,
            "elapsed_s": round(progress.elapsed_s, 1),
        }

    def _run(self) -> None:
        self._beat()
        while not self._over.wait(PULSE_S):
            self._beat()
        connection.close()

    def _beat(self) -> None:
        latest = self._latest
        news = latest if latest is not self._recorded else None
        try:
            with acting_as(self._actor):
                may_go_on = actions.record_progress(run_id=self._run_id, attempt=self._attempt, progress=news)
        except (OperationalError, InterfaceError) as error:
            log.warning("plan %s: the database did not hear the pulse: %s", self._run_id, error)
            connection.close()
            return
        self._recorded = latest
        if not may_go_on:
            self.stopped.set()
