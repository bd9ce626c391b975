from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.models.base import TenantModel
from tenants.roles import ROLES


class Membership(TenantModel):
    """A user in an organisation, with roles from `tenants.roles.ROLES`."""

    user = models.ForeignKey("tenants.User", models.CASCADE, related_name="memberships")
    roles = ArrayField(models.CharField(max_length=20, choices=[(role, role) for role in ROLES]))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user"],
                name="membership_once",
                violation_error_message="This user is a member already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} as {', '.join(self.roles)}"
