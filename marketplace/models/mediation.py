from django.db import models
from django.db.models import F, Q

from marketplace.contracts.data import WORDS_CHARS
from marketplace.contracts.lifecycle import MediationState
from marketplace.models.contract import ContractRow
from marketplace.models.dispute import Dispute
from tenants.api import TenantForeignKey

MEDIATION_STATES = [(state.value, state.value.capitalize()) for state in MediationState]
SITTING = (MediationState.SITTING.value, MediationState.RECOMMENDED.value)
LIVE = (MediationState.PROPOSED.value, *SITTING)


class Mediation(ContractRow):
    """A third organisation that both parties to a dispute accept as mediator, proposed by one of them (`by`).

    While it is sitting it reads the dispute, the terms of the contract and what was submitted, and nothing else; with
    the end of the dispute that is over.
    """

    dispute = TenantForeignKey(Dispute, models.PROTECT, related_name="mediations")
    by = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    mediator = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    mediator_name = models.CharField(max_length=200)
    state = models.CharField(max_length=11, choices=MEDIATION_STATES, default=MediationState.PROPOSED.value)
    recommendation = models.TextField(blank=True, max_length=WORDS_CHARS)
    recommended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["mediator"], condition=Q(state__in=SITTING), name="mediation_sitting")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "dispute"],
                condition=Q(state__in=LIVE),
                name="mediation_one_live",
                violation_error_message="A mediator is proposed or sitting already.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[value for value, _ in MEDIATION_STATES]), name="mediation_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(mediator=F("tenant")) & ~Q(mediator=F("firm")), name="mediation_by_a_third"
            ),
            models.CheckConstraint(
                condition=Q(recommendation="", recommended_at__isnull=True)
                | Q(recommendation__gt="", recommended_at__isnull=False),
                name="mediation_recommends_in_words",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mediator_name}: {self.state}"

    @property
    def is_live(self) -> bool:
        return self.state in LIVE
