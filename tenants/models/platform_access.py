from django.db import models
from django.db.models import F
from django.utils import timezone

from tenants.models.base import new_id


class PlatformAccessManager(models.Manager["PlatformAccess"]):
    def record(self, who: str, reason: str) -> None:
        """Count one use; a row for each person, reason and day."""
        now = timezone.now()
        key = {"who": who[:254], "reason": reason[:300], "on_date": now.date()}
        row, created = self.get_or_create(**key, defaults={"first_at": now, "last_at": now})
        if not created:
            self.filter(pk=row.pk).update(uses=F("uses") + 1, last_at=now)


class PlatformAccess(models.Model):
    """Who used the role that passes row-level security, why, and how often on a day."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    who = models.CharField(max_length=254)
    reason = models.CharField(max_length=300)
    on_date = models.DateField()
    uses = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    objects = PlatformAccessManager()

    class Meta:
        verbose_name_plural = "platform accesses"
        constraints = [models.UniqueConstraint(fields=["who", "reason", "on_date"], name="platform_access_daily")]

    def __str__(self) -> str:
        return f"{self.who}: {self.reason}"
