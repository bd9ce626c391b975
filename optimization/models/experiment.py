"""Experiments: studies of many solves. Each case that is solved is kept, so that a study goes on where it stopped."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from optimization.models.requested import Requested
from optimization.outcome import OWED
from tenants.api import TenantForeignKey, TenantModel


class Experiment(Requested):
    """`kind` names a study of `experiments`; `options` say on what; `summary` is made when all cases are there."""

    noun: ClassVar[str] = "experiment"

    kind = models.CharField(max_length=20)
    summary = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["owed_at"], condition=models.Q(status__in=[s.value for s in OWED]), name="experiment_owed"
            ),
            models.Index(fields=["tenant", "-id"], name="experiment_newest"),
        ]


class ExperimentCase(TenantModel):
    """One solve of a study, by its key; never changed."""

    experiment = TenantForeignKey(Experiment, models.PROTECT, related_name="cases")
    key = models.CharField(max_length=1000)
    result = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "experiment", "key"], name="experiment_case_once"),
        ]

    def __str__(self) -> str:
        return self.key
