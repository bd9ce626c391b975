from django.db import models
from django.db.models.functions import Now

from tenants.models.base import TenantModel


class IdempotencyKey(TenantModel):
    """A request that was carried out once, and its answer: written in the transaction of its effect, or not at all.

    `fingerprint` is a hash of who sent what where; the same `key` with another one is a mistake of the sender. `body`
    is JSON as text, so that a replay has its keys in the same order.
    """

    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
