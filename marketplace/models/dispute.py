from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from marketplace.contracts.data import STARS, WORDS_CHARS
from marketplace.models.contract import Contract, ContractRow
from tenants.api import TenantForeignKey, TenantModel


class Dispute(ContractRow):
    """One of the two says that the contract is not kept; until it is resolved nothing of it moves."""

    class Outcome(models.TextChoices):
        OPEN = "", "Open"
        RESUMED = "resumed", "Resumed"
        TERMINATED = "terminated", "Terminated"

    by = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    reason = models.TextField(max_length=WORDS_CHARS)
    shut_data = models.BooleanField(help_text="Whether it closed the data, which opens again if it is withdrawn.")
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True, default=Outcome.OPEN)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "contract"], condition=Q(resolved_at__isnull=True), name="dispute_one_open"
            ),
            models.CheckConstraint(condition=Q(outcome="") ^ Q(resolved_at__isnull=False), name="dispute_open_or_over"),
            models.CheckConstraint(condition=Q(reason__gt=""), name="dispute_says_why"),
        ]

    def __str__(self) -> str:
        return self.reason[:60]


class DisputeNote(ContractRow):
    """What a party said in the mediation; it is never changed."""

    dispute = TenantForeignKey(Dispute, models.PROTECT, related_name="notes")
    by = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    words = models.TextField(max_length=WORDS_CHARS)

    def __str__(self) -> str:
        return self.words[:60]


class Rating(TenantModel):
    """What `tenant` says of `about` after a contract of theirs; the other reads it from `revealed_at` on.

    `is_named`: the buyer agrees that its name stands beside what third parties read of it, see Reference.
    """

    about = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    owner = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    contract = TenantForeignKey(Contract, models.PROTECT, tenant_field="owner", related_name="ratings")
    stars = models.PositiveSmallIntegerField()
    words = models.TextField(blank=True, max_length=WORDS_CHARS)
    is_named = models.BooleanField(default=False)
    given_at = models.DateTimeField(db_default=Now())
    revealed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "contract"], name="rating_once"),
            models.CheckConstraint(condition=Q(stars__range=STARS), name="rating_stars_bounded"),
            models.CheckConstraint(
                condition=~Q(about=models.F("tenant")) & (Q(tenant=models.F("owner")) | Q(about=models.F("owner"))),
                name="rating_between_the_parties",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stars} of {STARS[1]}"
