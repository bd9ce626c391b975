"""A study in the worker or the foreground: each case is kept the moment it is solved, the rows are made at the end."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from optimization.actions import count_work
from optimization.data import InstanceError
from optimization.experiments.figures import NOTHING as NO_PLAN
from optimization.experiments.ledger import Ledger, Rejected, Stopped, StudyProgress
from optimization.experiments.rows import rows_of
from optimization.experiments.store import Row, name_of
from optimization.experiments.studies import conclusions_of, n_solves, subjects_of
from optimization.models import Experiment
from optimization.outcome import PlanStatus
from optimization.pulse import Pulse
from optimization.studies import access, actions, queries
from tenants.api import acting_as
from tenants.data import Actor, Refusal

# An attempt that kept a case came further, so it is not one that a study dies of.
FRUITLESS_ATTEMPTS = 5
GIVEN_UP = f"Given up: {FRUITLESS_ATTEMPTS} workers took it up without solving anything; the workers' logs say why."
NOTHING = "Stopped before the first case was whole."

Ended = tuple[PlanStatus, str, dict[str, Any] | None]


class Cases:
    """The cases of an experiment as the ledger keeps them: each in a transaction of its own."""

    def __init__(self, actor: Actor, run: Experiment) -> None:
        self._actor, self._run = actor, run
        with acting_as(actor):
            self._rows = queries.cases(run.pk)

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: Mapping[str, Any]) -> Row | None:
        return self._rows.get(name_of(key))

    def put(self, key: Mapping[str, Any], row: Row) -> None:
        """Raises Stopped if another worker has the experiment by now."""
        name = name_of(key)
        with acting_as(self._actor):
            is_kept = actions.add_case(run=self._run, key=name, result=row)
        if not is_kept:
            raise Stopped
        self._rows[name] = row


def carry_out(
    actor: Actor,
    run: Experiment,
    *,
    on_progress: Callable[[StudyProgress], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """What was taken up: go on where an earlier attempt stopped, outside of any transaction, and release the rows."""
    began_s = time.monotonic()
    with Pulse(actor, run.pk, run.attempt, Experiment) as pulse:
        cases = Cases(actor, run)

        def tell(progress: StudyProgress) -> None:
            pulse.note(progress.to_document())
            if on_progress is not None:
                on_progress(progress)

        ledger = Ledger(cases, on_progress=tell, should_stop=lambda: pulse.stopped.is_set() or should_stop())
        is_given_up = run.attempt > FRUITLESS_ATTEMPTS + len(cases)
        status, message, summary = _given_up() if is_given_up else _ended(actor, run, ledger)
    with acting_as(actor):
        if actions.finish_study(run=run, status=status, message=message, summary=summary):
            count_work(run, time.monotonic() - began_s)


def _given_up() -> Ended:
    return PlanStatus.FAILED, GIVEN_UP, None


def _ended(actor: Actor, run: Experiment, ledger: Ledger) -> Ended:
    rows: list[Row] = []
    try:
        for row in _rows(actor, run, ledger):
            rows.append(row)
    except Stopped:
        done = f"Cancelled after {ledger.done} of {ledger.of} solves."
        return PlanStatus.CANCELLED, done if rows else f"{done} {NOTHING}", _summary(run.kind, rows)
    except (Rejected, InstanceError, Refusal) as error:
        words = error.detail if isinstance(error, Refusal) else str(error)
        return PlanStatus.FAILED, f"It can't go on: {words}", _summary(run.kind, rows)
    summary = _summary(run.kind, rows)
    return PlanStatus.SOLVED, f"{next(iter(summary['conclusions']), NO_PLAN)}.", summary


def _rows(actor: Actor, run: Experiment, ledger: Ledger) -> Iterator[Row]:
    options = dict(run.options)
    plan = options.pop("plan", None)
    with acting_as(actor):
        own = None if plan is None else access.own_instance(UUID(plan))
        asked = actions.read_asked(run.kind, options, own)
    subjects = subjects_of(asked, own)
    ledger.of = n_solves(run.kind, asked, subjects)
    yield from rows_of(run.kind, asked, subjects, ledger)


def _summary(kind: str, rows: list[Row]) -> dict[str, Any]:
    return {"rows": rows, "conclusions": conclusions_of(kind, rows) if rows else []}
