from django.db import models
from django.db.models import Q

from marketplace.models.task import STATES, ServiceTask
from tenants.api import TenantForeignKey, TenantModel


class PublicNotice(TenantModel):
    """What anybody may read of a public task, without signing in: written at publishing, of its terms and its snapshot.

    `facts` never change; `state` follows the task's, and `answers` its questions once they are answered:
    [{text, answer}], oldest first. There is none of a task that is not public.
    """

    task = TenantForeignKey(ServiceTask, models.PROTECT, related_name="notices")
    facts = models.JSONField()
    answers = models.JSONField(default=list)
    state = models.CharField(max_length=20, choices=STATES)
    published_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-id"], condition=Q(state="open"), name="public_notice_newest")]
        constraints = [models.UniqueConstraint(fields=["tenant", "task"], name="public_notice_once")]

    def __str__(self) -> str:
        return str(self.facts["title"])
