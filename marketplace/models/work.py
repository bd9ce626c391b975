from django.db import models
from django.db.models import Q

from marketplace.contracts.data import WORDS_CHARS
from marketplace.models.contract import ContractRow, Milestone
from tenants.api import TenantForeignKey


class Submission(ContractRow):
    """The firm says that a milestone is done. `evidence`: what the stored readings said of the rule of acceptance."""

    milestone = TenantForeignKey(Milestone, models.PROTECT, related_name="submissions")
    note = models.TextField(blank=True, max_length=WORDS_CHARS)
    evidence = models.JSONField(null=True)

    def __str__(self) -> str:
        return f"{self.milestone_id} submitted"


class Inspection(ContractRow):
    """What the buyer made of a submission."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        REWORK = "rework", "Rework"

    milestone = TenantForeignKey(Milestone, models.PROTECT, related_name="inspections")
    submission = TenantForeignKey(Submission, models.PROTECT, related_name="inspections")
    outcome = models.CharField(max_length=8, choices=Outcome)
    reason = models.TextField(blank=True, max_length=WORDS_CHARS)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "submission"], name="inspection_once"),
            models.CheckConstraint(
                condition=Q(outcome="accepted") | Q(outcome="rework", reason__gt=""), name="inspection_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.milestone_id} {self.outcome}"
