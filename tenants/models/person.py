from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from tenants.models.base import TenantForeignKey, TenantModel

KIND_CHARS = 40


class Person(TenantModel):
    """Somebody who works for the organisation, with or without a user of their own; seen by no other organisation.

    `left_on` is their last day; `erased_at` when what is personal was removed, so that only the code is left.
    `listed` is kept false: it is for experts whom a service firm wants to be found.
    """

    code = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True, default="")
    user = models.ForeignKey("tenants.User", models.SET_NULL, null=True, blank=True, related_name="+")
    home_site = TenantForeignKey("tenants.Site", models.PROTECT, null=True, blank=True, related_name="people")
    left_on = models.DateField(null=True, blank=True)
    listed = models.BooleanField(default=False, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "people"
        indexes = [models.Index(fields=["tenant", "home_site"], name="person_of_site")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "code"], name="person_code_once", violation_error_message="This code is taken."
            ),
            models.UniqueConstraint(
                fields=["tenant", "user"],
                name="person_of_user_once",
                violation_error_message="This user is linked to a person already.",
            ),
            models.CheckConstraint(
                condition=Q(listed=False), name="person_not_listed", violation_error_message="People can't be listed."
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}".strip()


class Skill(TenantModel):
    """An entry of the organisation's own catalogue of skills; levels are those of `resources.data.LEVELS`."""

    code = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "code"], name="skill_code_once", violation_error_message="This skill code is taken."
            )
        ]

    def __str__(self) -> str:
        return self.name


class PersonSkill(TenantModel):
    """The level that somebody was last assessed at."""

    person = TenantForeignKey("tenants.Person", models.CASCADE, related_name="skills")
    skill = TenantForeignKey("tenants.Skill", models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField()
    assessed_on = models.DateField()
    assessor = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "person", "skill"], name="person_skill_once"),
            models.CheckConstraint(
                condition=Q(level__range=(1, 5)),
                name="person_skill_level",
                violation_error_message="Levels go from 1 to 5.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill} {self.level}"


class Certificate(TenantModel):
    """A paper that allows some work, valid on each day from `issued_on` to `expires_on`, for ever without one.

    `document_hash` is the SHA-256 of the document, which is kept elsewhere.
    """

    person = TenantForeignKey("tenants.Person", models.CASCADE, related_name="certificates")
    kind = models.CharField(max_length=KIND_CHARS)
    number = models.CharField(max_length=100)
    issuer = models.CharField(max_length=200)
    issued_on = models.DateField()
    expires_on = models.DateField(null=True, blank=True)
    document_hash = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["tenant", "expires_on"], name="certificate_by_expiry")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "person", "kind", "number"],
                name="certificate_once",
                violation_error_message="The person holds this certificate already.",
            ),
            models.CheckConstraint(
                condition=Q(expires_on__isnull=True) | Q(expires_on__gte=F("issued_on")),
                name="certificate_ends_after_issue",
                violation_error_message="A certificate can't expire before it is issued.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class Training(TenantModel):
    """A course that somebody completed; some are to be repeated by `expires_on`."""

    person = TenantForeignKey("tenants.Person", models.CASCADE, related_name="trainings")
    course = models.CharField(max_length=200)
    completed_on = models.DateField()
    expires_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "person", "course", "completed_on"],
                name="training_once",
                violation_error_message="This training is recorded already.",
            ),
            models.CheckConstraint(
                condition=Q(expires_on__isnull=True) | Q(expires_on__gte=F("completed_on")),
                name="training_ends_after_completion",
                violation_error_message="A training can't expire before it is completed.",
            ),
        ]

    def __str__(self) -> str:
        return self.course


class SiteRequirement(TenantModel):
    """What a site wants of a skill: so many people at this level or above, who hold these kinds of certificate."""

    site = TenantForeignKey("tenants.Site", models.CASCADE, related_name="+")
    skill = TenantForeignKey("tenants.Skill", models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField()
    n_people = models.PositiveSmallIntegerField()
    certificates = ArrayField(models.CharField(max_length=KIND_CHARS), default=list, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "site", "skill"], name="site_requirement_once"),
            models.CheckConstraint(
                condition=Q(level__range=(1, 5)),
                name="site_requirement_level",
                violation_error_message="Levels go from 1 to 5.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.n_people} × {self.skill} at {self.site}"
