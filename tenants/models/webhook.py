from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.models.base import TenantForeignKey, TenantModel


class Webhook(TenantModel):
    """Where an organisation's feed is posted to, with the rights of `user` as far as `scopes` go.

    `cursor` is the last event of the log `epoch` that was taken or passed over: one event after the other, so a later
    one never overtakes an earlier. `due_at` is when the sweep looks here next; a worker that delivers puts it off.
    Secrets are sealed (`tenants.secrets`).
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        DISABLED = "disabled"

    user = models.ForeignKey("tenants.User", models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    url = models.CharField(max_length=500)
    filter = models.JSONField(null=True)
    scopes = ArrayField(models.CharField(max_length=40), null=True)
    purpose = models.CharField(max_length=40, blank=True, default="")
    secret = models.TextField()
    previous_secret = models.TextField(blank=True, default="")
    previous_until = models.DateTimeField(null=True)
    epoch = models.UUIDField()
    cursor = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    disabled_because = models.CharField(max_length=200, blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    due_at = models.DateTimeField(db_default=Now())
    delivered_at = models.DateTimeField(null=True)
    test_asked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="webhook_due")]
        constraints = [
            models.CheckConstraint(
                condition=Q(previous_secret="", previous_until=None) | ~Q(previous_secret="") & ~Q(previous_until=None),
                name="webhook_previous_secret_ends",
            ),
            models.CheckConstraint(
                condition=Q(attempts=0, failing_since=None) | Q(attempts__gt=0) & ~Q(failing_since=None),
                name="webhook_failing_since_its_first_failure",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"


class WebhookDelivery(TenantModel):
    """One attempt. `seq` is the event's in the feed, None for a test; `answer` the status that came back, if any."""

    webhook = TenantForeignKey("tenants.Webhook", models.CASCADE, related_name="deliveries")
    message_id = models.CharField(max_length=60)
    seq = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=60)
    attempt = models.PositiveIntegerField()
    answer = models.PositiveSmallIntegerField(null=True)
    is_taken = models.BooleanField()
    problem = models.CharField(max_length=300, blank=True, default="")
    took_ms = models.PositiveIntegerField()
    sent_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["webhook", "-id"], name="webhook_delivery_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.answer or self.problem}"
