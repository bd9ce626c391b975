from django.db import models
from django.db.models.functions import Now

from marketplace.models.task import ServiceTask
from tenants.api import TenantForeignKey, TenantModel


class Opener(TenantModel):
    """A person who helps to open the bids of one tender. Their private key is made of a passphrase and `salt`."""

    task = TenantForeignKey(ServiceTask, models.CASCADE, related_name="openers")
    user = models.ForeignKey("tenants.User", models.PROTECT, related_name="+")
    user_name = models.CharField(max_length=254)
    public_key = models.CharField(max_length=64, help_text="In hex, as the salt.")
    salt = models.CharField(max_length=32)
    registered_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "task", "user"],
                name="opener_once",
                violation_error_message="You are an opener of this tender.",
            )
        ]

    def __str__(self) -> str:
        return self.user_name


class Opening(TenantModel):
    """One opener's part in the opening of a tender: `shares` by bid version, {"<id>": [index, hex]}."""

    task = TenantForeignKey(ServiceTask, models.CASCADE, related_name="openings")
    opener = TenantForeignKey(Opener, models.CASCADE, related_name="openings")
    opened_at = models.DateTimeField(db_default=Now())
    shares = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "task", "opener"], name="opening_once")]

    def __str__(self) -> str:
        return f"by {self.opener_id}"
