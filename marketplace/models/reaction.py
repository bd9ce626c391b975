from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from marketplace.models.task import ServiceTask
from marketplace.reactions.data import RULES, Outcome
from tenants.api import TenantForeignKey, TenantModel

REACTIONS = [(name, name) for name in RULES]
OUTCOMES = [(outcome.value, outcome.value) for outcome in Outcome]


class ReactionSwitch(TenantModel):
    """Whether one reaction of an organisation is on, and who it acts for: `set_by`, with the rights they have then.

    `through` is the last event of the feed `epoch` that was looked at: all after it is owed. `site` narrows it down, or
    is where its tasks are.
    """

    reaction = models.CharField(max_length=20, choices=REACTIONS)
    is_on = models.BooleanField()
    site = TenantForeignKey("tenants.Site", models.PROTECT, null=True, related_name="+")
    epoch = models.UUIDField()
    through = models.BigIntegerField()
    set_by = models.ForeignKey("tenants.User", models.PROTECT, related_name="+")
    set_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "reaction"], name="reaction_switch_once"),
            models.CheckConstraint(condition=Q(reaction__in=list(RULES)), name="reaction_switch_known"),
        ]

    def __str__(self) -> str:
        return f"{self.reaction} {'on' if self.is_on else 'off'}"


class Reaction(TenantModel):
    """What followed from one event of the organisation's feed; an event is reacted to once."""

    reaction = models.CharField(max_length=20, choices=REACTIONS)
    event_id = models.UUIDField()
    subject_id = models.UUIDField(help_text="The alarm, plan, set of grades or task that it is about.")
    task = TenantForeignKey(ServiceTask, models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=10, choices=OUTCOMES)
    words = models.TextField()
    happened_at = models.DateTimeField()
    reacted_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="reaction_newest")]
        constraints = [models.UniqueConstraint(fields=["tenant", "reaction", "event_id"], name="reaction_once")]

    def __str__(self) -> str:
        return f"{self.reaction}: {self.outcome}"
