from django.db import models

from tenants.models.base import new_id


class PlatformAccess(models.Model):
    """Who used the role that passes row-level security, why, and how often on a day; written by `tenants.context`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    who = models.CharField(max_length=254)
    reason = models.CharField(max_length=300)
    on_date = models.DateField()
    uses = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "platform accesses"
        constraints = [models.UniqueConstraint(fields=["who", "reason", "on_date"], name="platform_access_daily")]

    def __str__(self) -> str:
        return f"{self.who}: {self.reason}"
