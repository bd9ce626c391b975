from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from marketplace.desk.data import FILE_BYTES, MEDIA_TYPES, NAME_CHARS
from marketplace.models.task import ServiceTask
from tenants.api import TenantForeignKey, TenantModel


class TaskAttachment(TenantModel):
    """A file beside a task, never changed: whoever may read the task may fetch it.

    The bytes are in the database, so that they come and go with their row: in one transaction, one archive, one wall.
    """

    task = TenantForeignKey(ServiceTask, models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=NAME_CHARS)
    media_type = models.CharField(max_length=100, choices=[(each, each) for each in MEDIA_TYPES])
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    added_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["tenant", "task"], name="task_attachment_of")]
        constraints = [
            models.CheckConstraint(condition=Q(size_bytes__range=(1, FILE_BYTES)), name="task_attachment_bounded"),
            models.UniqueConstraint(fields=["tenant", "task", "sha256"], name="task_attachment_once"),
        ]

    def __str__(self) -> str:
        return self.name
