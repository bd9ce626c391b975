from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.models.base import TenantModel
from tenants.roles import ROLES


class Invitation(TenantModel):
    """The only way to become a user: an organisation asks a person in, once. Only the hash of the token is kept."""

    email = models.EmailField()
    roles = ArrayField(models.CharField(max_length=20, choices=[(role, role) for role in ROLES]))
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
                violation_error_message="This person is being invited just now; look at the open invitations.",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(revoked_at=None), name="invitation_accepted_or_revoked"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} as {', '.join(self.roles)}"
