from django.db import models
from django.db.models.functions import Now

from marketplace.acceptance import Stand
from marketplace.models.task import ServiceTask
from tenants.api import TenantForeignKey, TenantModel

STANDS = [(stand.value, stand.value.capitalize()) for stand in Stand]


class Watch(TenantModel):
    """What was last told of how a task's rule of acceptance stands while the work goes on; empty before that."""

    task = TenantForeignKey(ServiceTask, models.CASCADE, related_name="+")
    stand = models.CharField(max_length=10, choices=STANDS, blank=True)
    is_kept = models.BooleanField(default=False)
    checked_at = models.DateTimeField(db_default=Now())
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "task"], name="watch_once")]

    def __str__(self) -> str:
        return self.stand
