"""The rows of a study, solved subject by subject."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from optimization.experiments.cases import Subject
from optimization.experiments.compare import price_of_robustness, replanning, silos, three_plans
from optimization.experiments.ledger import Ledger
from optimization.experiments.request import Asked
from optimization.experiments.robustness import robustness
from optimization.experiments.sensitivity import sensitivity, tornado
from optimization.experiments.store import Row

ROWS: dict[str, Callable[[Subject, Asked, Ledger], list[Row]]] = {
    "robustness": lambda subject, asked, ledger: robustness(subject, asked.options, ledger, asked.draws),
    "sensitivity": lambda subject, asked, ledger: sensitivity(subject, asked.options, ledger),
    "tornado": lambda subject, asked, ledger: tornado(subject, asked.options, ledger),
    "ways": lambda subject, asked, ledger: three_plans(subject, asked.options, ledger),
    "protection": lambda subject, asked, ledger: price_of_robustness(subject, asked.options, ledger),
    "silos": lambda subject, asked, ledger: silos(subject, asked.options, ledger),
    "replanning": lambda subject, asked, ledger: replanning(subject, asked.options, ledger),
}


def rows_of(kind: str, asked: Asked, subjects: Sequence[Subject], ledger: Ledger) -> Iterator[Row]:
    """One subject after the other, so that whole ones are there when Stopped comes."""
    for subject in subjects:
        for row in ROWS[kind](subject, asked, ledger):
            yield {**subject.key, **row}
