from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.api import TenantModel


class CalendarAddress(TenantModel):
    """The secret address under which a member's calendar program reads; only the hash of the secret is kept."""

    user = models.ForeignKey("tenants.User", models.CASCADE, related_name="+")
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user"], condition=Q(revoked_at__isnull=True), name="calendar_address_once"
            )
        ]

    def __str__(self) -> str:
        return f"since {self.created_at}"
