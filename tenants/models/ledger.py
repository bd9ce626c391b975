from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tenants.ledger.verify_bundle import GENESIS
from tenants.models.base import TenantModel


class LedgerHead(models.Model):
    """The end of an organisation's ledger. Its row lock is held to commit; only a new entry moves it."""

    tenant = models.OneToOneField("tenants.Tenant", models.PROTECT, primary_key=True, related_name="+")
    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=GENESIS)

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


class LedgerEntry(TenantModel):
    """One thing that was decided, in one organisation's chain; never changed.

    What happened between organisations is in the chain of each, under one `shared_id` and with one `hash`:
    `with_tenants` are the others, `others` their links in that order (see tenants/ledger/verify_bundle.py). `user_id`
    and `via` are empty in the chains of others than `by`, whose affair they are.
    """

    seq = models.BigIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=60)
    subject_id = models.UUIDField(help_text="The agreement, plan release, alarm, claim, key … that it is about.")
    by = models.ForeignKey("tenants.Tenant", models.PROTECT, null=True, related_name="+")
    user_id = models.UUIDField(null=True)
    user_name = models.CharField(max_length=200, blank=True)
    via = models.CharField(max_length=100, blank=True)
    payload = models.TextField(help_text="Canonical JSON.")
    shared_id = models.UUIDField(null=True)
    with_tenants = ArrayField(models.UUIDField(), default=list)
    prev_hash = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    others = ArrayField(models.CharField(max_length=64), default=list)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["-seq"]
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "seq"], name="ledger_entry_seq"),
            models.UniqueConstraint(fields=["tenant", "shared_id"], name="ledger_entry_shared_once"),
            models.CheckConstraint(
                condition=Q(shared_id__isnull=True, with_tenants__len=0)
                | Q(shared_id__isnull=False, with_tenants__len__gt=0),
                name="ledger_entry_shared_with_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "subject_id", "-seq"], name="ledger_entry_of_subject"),
            models.Index(fields=["tenant", "kind", "-seq"], name="ledger_entry_of_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"
