"""Grade samples and the uncertainty sets fitted to them, in versions, with where each came from."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from tenants.api import TenantForeignKey, TenantModel


class SampleBatch(TenantModel):
    """Samples as they arrived, never changed: `samples` are the rows of a file of samples.

    What an analyser measured (`is_telemetry`) is held against sets like any batch; none is fitted to it unasked.
    """

    source = models.CharField(max_length=200)
    samples = models.JSONField()
    n = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    is_telemetry = models.BooleanField(default=False)
    created_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="sample_batch_newest")]
        constraints = [models.UniqueConstraint(fields=["tenant", "digest"], name="sample_batch_once")]

    def __str__(self) -> str:
        return self.source


class GradeSet(TenantModel):
    """One version of a named set, never changed: the settings, the batches it was fitted to, the evidence, the set."""

    name = models.CharField(max_length=200)
    version = models.PositiveIntegerField()
    settings = models.JSONField()
    batch_ids = ArrayField(models.UUIDField())
    evidence = models.JSONField()
    document = models.JSONField()
    created_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="grade_set_newest")]
        constraints = [models.UniqueConstraint(fields=["tenant", "name", "version"], name="grade_set_version_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class GradeRetest(TenantModel):
    """The newest version of a set held against samples that came later."""

    grade_set = TenantForeignKey(GradeSet, models.PROTECT, related_name="retests")
    batch = TenantForeignKey(SampleBatch, models.PROTECT, related_name="retests")
    is_holding = models.BooleanField()
    report = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "grade_set", "batch"], name="grade_retest_once")]

    def __str__(self) -> str:
        return "holds" if self.is_holding else "drifted"
