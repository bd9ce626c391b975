from django.db import models
from django.db.models.functions import Now

from tenants.models.base import TenantForeignKey, TenantModel


class SharedRead(TenantModel):
    """Rows of `tenant`, the owner, that another organisation was given in one request, by one clause.

    Written in the transaction of the read. `ids_hash` is the SHA-256 of the sorted ids, one a line.
    """

    reader = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    user_id = models.UUIDField(null=True)
    user_name = models.CharField(max_length=200, blank=True)
    via = models.CharField(max_length=100)
    agreement = TenantForeignKey("tenants.Agreement", models.PROTECT, related_name="+", db_index=False)
    clause = TenantForeignKey("tenants.Clause", models.PROTECT, related_name="+")
    permission = models.CharField(max_length=40)
    purpose = models.CharField(max_length=100, blank=True)
    kind = models.CharField(max_length=60)
    n_rows = models.PositiveIntegerField()
    first_id = models.CharField(max_length=80)
    last_id = models.CharField(max_length=80)
    ids_hash = models.CharField(max_length=64)
    read_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["agreement", "read_at"], name="shared_read_of_agreement"),
            models.Index(fields=["reader", "-id"], name="shared_read_of_reader"),
        ]

    def __str__(self) -> str:
        return f"{self.n_rows} {self.kind}"
