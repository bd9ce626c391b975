from django.db import models
from django.db.models import F, Q

from marketplace.models.task import ServiceTask
from tenants.api import TenantForeignKey, TenantModel


class TaskInvitation(TenantModel):
    """`firm` may read and answer a task of `tenant` (the owner) that is visible to the invited only."""

    task = TenantForeignKey(ServiceTask, models.CASCADE, related_name="invitations")
    firm = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "task", "firm"], name="task_invitation_once"),
            models.CheckConstraint(condition=~Q(firm=F("tenant")), name="task_invitation_to_another"),
        ]

    def __str__(self) -> str:
        return f"{self.firm_id} to {self.task_id}"
