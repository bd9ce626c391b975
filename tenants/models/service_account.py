from django.db import models
from django.db.models.functions import Now

from tenants.models.base import TenantModel


class ServiceAccount(TenantModel):
    """A program as a member: its user can't sign in, and acts by API keys that administrators make for it.

    Name and roles are those of its user and membership, so that whatever may be said of a member holds for it.
    """

    user = models.OneToOneField("tenants.User", models.PROTECT, related_name="service_account")
    purpose = models.CharField(max_length=200, blank=True, help_text="What the program does, for who audits it.")
    created_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.user.name
