"""Studies in a worker of their own queue."""

from typing import Any
from uuid import UUID

from celery import shared_task

from optimization import actions, dispatch
from optimization.models import Experiment
from tenants.api import acting_as


@shared_task(bind=True, name=dispatch.RUN_STUDY)
def run_study(self: Any, experiment_id: str) -> None:
    """Take up, solve case by case, release. A second delivery finds nothing to take up."""
    with acting_as(self.actor):
        run = actions.take_up(run_id=UUID(experiment_id), model=Experiment)
    if run is not None:
        from optimization.studies.running import carry_out  # a second and 100 MB, which only workers should pay

        carry_out(self.actor, run)
