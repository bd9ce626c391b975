"""The pulse of a running solve: a thread that tells the database that it lives and asks whether it should stop.

A thread, since the solver may be silent for a long while; it has a connection of its own, and transactions of a moment.
"""

import logging
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from optimization import actions, queries
from optimization.data import SolveProgress
from optimization.models import PlanRun, Requested
from tenants.api import acting_as
from tenants.data import Actor

# A wish to stop is felt this soon; being alive is told, and news recorded, once a second.
LOOK_S = 0.2
TELL_S = 1.0
WHOLE = "solving"
log = logging.getLogger(__name__)


class Pulse:
    """Around a solve: hand `tell` and `stopped.is_set` to the solver. `model` says what kind of work it is part of."""

    def __init__(self, actor: Actor, run_id: UUID, attempt: int, model: type[Requested] = PlanRun) -> None:
        self.stopped = Event()
        self._actor, self._run_id, self._attempt, self._model = actor, run_id, attempt, model
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
        self.note(
            {
                "stage": progress.stage or WHOLE,
                "incumbent": progress.incumbent_usd,
                "bound": progress.dual_bound_usd,
                "gap": progress.relative_gap,
                "elapsed_s": round(progress.elapsed_s, 1),
            }
        )

    def note(self, news: dict[str, Any]) -> None:
        """Keep the news for the next beat; nothing here waits."""
        self._latest = news

    def enter(self, stage: str) -> None:
        """Another stage, the figures staying as they are."""
        self._latest = {**(self._latest or {}), "stage": stage}

    def _run(self) -> None:
        told = time.monotonic()
        while not self._over.wait(LOOK_S):
            if time.monotonic() - told >= TELL_S:
                told = time.monotonic()
                self._heard(self._tell)
            else:
                self._heard(self._look)
        connection.close()

    def _heard(self, may_go_on: Callable[[], bool]) -> None:
        try:
            with acting_as(self._actor):
                is_wanted = may_go_on()
        except (OperationalError, InterfaceError) as error:
            log.warning("%s %s: the database did not hear the pulse: %s", self._model.noun, self._run_id, error)
            connection.close()
            return
        if not is_wanted:
            self.stopped.set()

    def _tell(self) -> bool:
        latest = self._latest
        news = latest if latest is not self._recorded else None
        may_go_on = actions.record_progress(
            run_id=self._run_id, attempt=self._attempt, progress=news, model=self._model
        )
        self._recorded = latest
        return may_go_on

    def _look(self) -> bool:
        return queries.is_wanted(self._run_id, self._attempt, self._model)
