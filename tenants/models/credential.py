from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.models.base import TenantForeignKey, TenantModel
from tenants.roles import CAPABILITIES


class ApiKey(TenantModel):
    """A program's credential, acting as one member within `scopes`. Only the hash of the secret is kept.

    A key that was rotated lives on beside the one that `replaces` it until its own, shortened, expiry.
    """

    user = models.ForeignKey("tenants.User", models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    secret_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=40, choices=[(c, c) for c in sorted(CAPABILITIES)]))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    made_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    replaces = TenantForeignKey("tenants.ApiKey", models.PROTECT, null=True, blank=True, related_name="replaced_by")

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="api_key_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "replaces"],
                name="api_key_replaced_once",
                violation_error_message="This key is replaced already; look for the newer one.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
