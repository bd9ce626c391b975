"""The reads of studies, under the open identity."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from optimization.models import Experiment, ExperimentCase
from tenants.api import actor


def experiments() -> QuerySet[Experiment]:
    """The organisation's own; what came out is fetched only when it is touched."""
    return Experiment.objects.filter(tenant=actor().tenant_id).defer("summary")


def told_experiments() -> Iterator[dict[str, Any]]:
    """As the bodies of their last events, newest first."""
    for run in experiments().order_by("-pk").iterator(chunk_size=100):
        yield run.standing


def cases(experiment_id: UUID) -> dict[str, dict[str, Any]]:
    """What is solved already, by its key as `name_of` writes it."""
    return dict(ExperimentCase.objects.filter(experiment=experiment_id).values_list("key", "result"))
