from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from marketplace.data import CATEGORIES
from marketplace.models.task import CATEGORY_CHOICES
from marketplace.profiles.data import NAME_CHARS, VISIBILITIES
from tenants.api import TenantForeignKey, TenantModel

VISIBILITY_CHOICES = list(VISIBILITIES.items())


class Profile(TenantModel):
    """What an organisation says of itself to those who look for a firm; one each.

    `rates` are RateLines, `machines` Machines and `certificates` Papers of marketplace.profiles.data as JSON; `regions`
    countries (ISO 3166-1 alpha-2). `firm_name` is kept, since not everybody can look every organisation up.
    """

    firm_name = models.CharField(max_length=NAME_CHARS)
    about = models.TextField(blank=True)
    visibility = models.CharField(max_length=10, choices=VISIBILITY_CHOICES, default="hidden")
    categories = ArrayField(models.CharField(max_length=30, choices=CATEGORY_CHOICES), default=list)
    regions = ArrayField(models.CharField(max_length=2), default=list)
    rates = models.JSONField(default=list)
    machines = models.JSONField(default=list)
    certificates = models.JSONField(default=list)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="profile_once"),
            models.CheckConstraint(condition=Q(visibility__in=list(VISIBILITIES)), name="profile_visibility_known"),
            models.CheckConstraint(
                condition=Q(categories__contained_by=list(CATEGORIES)), name="profile_categories_known"
            ),
        ]

    # Needs marketplace.profiles.queries.rated.
    stars: float | None
    ratings_n: int
    group_name: str
    is_sister: bool

    def __str__(self) -> str:
        return self.firm_name


class Expert(TenantModel):
    """One of the organisation's people, shown to whoever may read its profile.

    A copy: `levels` {code of a skill: level} and `papers` as they were when the person was last published. Without
    `shown_name` the name is kept back. Erasing the person takes it away.
    """

    person = TenantForeignKey("tenants.Person", models.CASCADE, related_name="+")
    shown_name = models.CharField(max_length=NAME_CHARS, blank=True)
    levels = models.JSONField(default=dict)
    papers = models.JSONField(default=list)
    published_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "person"], name="expert_once")]

    def __str__(self) -> str:
        return self.shown_name or "An expert"
