from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from marketplace.models.task import ServiceTask
from tenants.api import TenantForeignKey, TenantModel


class TaskQuestion(TenantModel):
    """Asked about an open task and answered by its owner (`tenant`), for all who may read the task.

    Who asked is a row of its own (`TaskAsker`), which other firms can't read.
    """

    task = TenantForeignKey(ServiceTask, models.PROTECT, related_name="questions")
    text = models.TextField()
    asked_at = models.DateTimeField(db_default=Now())
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["tenant", "task"], name="task_question_of")]
        constraints = [
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True) | Q(answer__gt="", answered_at__isnull=False),
                name="task_question_answered_or_not",
            ),
        ]

    askers: list["TaskAsker"]

    def __str__(self) -> str:
        return self.text[:80]

    @property
    def asked_by(self) -> "TaskAsker | None":
        """For the owner and the firm itself; needs `desk.queries.questions_about()`."""
        return self.askers[0] if self.askers else None


class TaskAsker(TenantModel):
    """The `firm` that asked a question of `tenant` (the owner of the task), for these two alone."""

    question = TenantForeignKey(TaskQuestion, models.PROTECT, related_name="asked")
    firm = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    firm_name = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "question"], name="task_asker_once"),
            models.CheckConstraint(condition=~Q(firm=F("tenant")), name="task_asker_is_another"),
        ]

    def __str__(self) -> str:
        return self.firm_name
