from django.db import models
from django.db.models import Q

from marketplace.contracts.data import STARS, WORDS_CHARS
from marketplace.models.task import CATEGORY_CHOICES
from tenants.api import TenantModel


class Reference(TenantModel):
    """What a buyer said of a firm (`tenant`) after a contract, for all who may read the firm's profile.

    A copy, made once the rating is revealed; its id is the rating's. `buyer_name` is empty unless the buyer agreed.
    """

    category = models.CharField(max_length=30, choices=CATEGORY_CHOICES)
    stars = models.PositiveSmallIntegerField()
    words = models.TextField(blank=True, max_length=WORDS_CHARS)
    buyer_name = models.CharField(max_length=200, blank=True)
    shown_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "-shown_at"], name="reference_newest")]
        constraints = [models.CheckConstraint(condition=Q(stars__range=STARS), name="reference_stars_bounded")]

    def __str__(self) -> str:
        return f"{self.stars} of {STARS[1]}"
