from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from tenants.models.base import TenantForeignKey, TenantModel
from tenants.roles import ROLES


class Delegation(TenantModel):
    """Who in the partner (`tenant`) uses what an agreement of `owner` opens: these roles and these users only.

    Without a row every member does, as far as their role goes.
    """

    owner = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    agreement = TenantForeignKey("tenants.Agreement", models.PROTECT, tenant_field="owner", related_name="+")
    roles = ArrayField(models.CharField(max_length=20, choices=[(role, role) for role in ROLES]), default=list)
    members = ArrayField(models.UUIDField(), default=list)
    set_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    set_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "agreement"], name="delegation_once")]

    def includes(self, roles: frozenset[str], user_id: UUID | None) -> bool:
        """As `wall.withheld` has it in the database."""
        return bool(roles.intersection(self.roles)) or user_id in self.members

    def __str__(self) -> str:
        return f"{', '.join(self.roles)} and {len(self.members)} members"
