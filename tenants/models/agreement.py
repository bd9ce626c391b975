from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from tenants.data import LATEST
from tenants.models.base import TenantForeignKey, TenantModel
from tenants.roles import SITE_PERMISSIONS


class Agreement(TenantModel):
    """What one organisation (`tenant`, the owner of the data) opens to another (`partner`); activation writes grants.

    `framework` is the agreement that a call-off draws on, `supersedes` the one that this one replaces. A mandate rests
    on a `statute` instead of consent. Past `ends_at` it is expired, without a job: what reads it looks at the clock.
    `told_of_end`: what the parties were told of that, by a sweep on which no right depends.
    `suspended_with_framework`: a call-off that was closed by its framework's suspension, and opens again with it.
    The partner sees it from `offered_at` on. The parties' names are kept, since one may not be listed for the other.
    """

    class Kind(models.TextChoices):
        BILATERAL = "bilateral", "Bilateral"
        FRAMEWORK = "framework", "Framework"
        CALL_OFF = "call_off", "Call-off"
        MANDATE = "mandate", "Mandate"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        OFFERED = "offered", "Offered"
        COUNTERED = "countered", "Countered"
        AGREED = "agreed", "Agreed"
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        TERMINATED = "terminated", "Terminated"
        SUPERSEDED = "superseded", "Superseded"

    class ToldOfEnd(models.TextChoices):
        NOTHING = "", "Nothing"
        EXPIRING = "expiring", "That it is near"
        EXPIRED = "expired", "That it has come"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.BILATERAL)
    partner = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    owner_name = models.CharField(max_length=200)
    partner_name = models.CharField(max_length=200)
    title = models.CharField(max_length=200)
    purpose = models.CharField(max_length=100)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    version = models.PositiveIntegerField(default=1, help_text="Which one is on the table or in force.")
    framework = TenantForeignKey("self", models.PROTECT, null=True, blank=True, related_name="call_offs")
    supersedes = TenantForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    statute = models.CharField(max_length=200, blank=True, default="")
    ends_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    offered_at = models.DateTimeField(null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)
    told_of_end = models.CharField(max_length=10, choices=ToldOfEnd, blank=True, default=ToldOfEnd.NOTHING)
    suspended_with_framework = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="agreement_newest"),
            models.Index(fields=["partner", "-id"], name="agreement_of_partner"),
            models.Index(fields=["ends_at"], name="agreement_ends", condition=~Q(told_of_end="expired")),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(partner=F("tenant")), name="agreement_between_two"),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        *["draft", "offered", "countered", "agreed"],
                        *["active", "suspended", "terminated", "superseded"],
                    ]
                ),
                name="agreement_status_known",
            ),
            models.CheckConstraint(
                condition=Q(kind="mandate", statute__gt="") | (~Q(kind="mandate") & Q(statute="")),
                name="agreement_only_mandate_has_statute",
            ),
            models.CheckConstraint(
                condition=Q(kind="call_off") ^ Q(framework__isnull=True),
                name="agreement_only_call_off_has_framework",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class AgreementVersion(TenantModel):
    """One text of an agreement, never changed: what `text_hash` (SHA-256 of `text`) is signed for.

    `author` is the party that proposed it. The partner sees it from `offered_at` on. The agreement's own title, purpose
    and end are those of the version that is on the table or in force.
    """

    agreement = TenantForeignKey("tenants.Agreement", models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    author = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    title = models.CharField(max_length=200)
    purpose = models.CharField(max_length=100)
    ends_at = models.DateTimeField(null=True, blank=True)
    terms = models.TextField(blank=True, default="", help_text="What the parties say beyond the clauses.")
    text = models.TextField()
    text_hash = models.CharField(max_length=64)
    created_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    offered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["tenant", "agreement", "number"], name="agreement_version_once")]

    def __str__(self) -> str:
        return f"version {self.number}"


class Clause(TenantModel):
    """One line of a version: which permissions, on one site or one piece of equipment, in which window.

    `code` and `name` are the place's as they were then: the partner reads them before it may see the place.
    `purpose`: only reads that state it are allowed ('': any). `field_mask`: fields that stay hidden. `delay_s`: rows
    are seen that long after their last change. `floor_n`: only figures over at least so many readings are seen.
    """

    class PricePer(models.TextChoices):
        ONCE = "once", "Once"
        DAY = "day", "A day"
        MONTH = "month", "A month"
        THOUSAND_READS = "thousand_reads", "A thousand rows read"

    agreement = TenantForeignKey("tenants.Agreement", models.PROTECT, related_name="clauses")
    version = TenantForeignKey("tenants.AgreementVersion", models.PROTECT, related_name="clauses")
    site = TenantForeignKey("tenants.Site", models.PROTECT, null=True, blank=True, related_name="+")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, null=True, blank=True, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    permissions = ArrayField(models.CharField(max_length=40, choices=list(SITE_PERMISSIONS.items())))
    during = DateTimeRangeField()
    purpose = models.CharField(max_length=40, blank=True, default="")
    field_mask = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    delay_s = models.PositiveIntegerField(default=0)
    floor_n = models.PositiveIntegerField(default=0)
    price_minor = models.PositiveBigIntegerField(null=True, blank=True, help_text="In the owner's currency, in cents.")
    price_per = models.CharField(max_length=20, choices=PricePer, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(site__isnull=True) ^ Q(equipment__isnull=True), name="clause_on_one_object"
            ),
            models.CheckConstraint(
                condition=Q(price_minor__isnull=True, price_per="") | Q(price_minor__isnull=False, price_per__gt=""),
                name="clause_price_has_measure",
            ),
            models.CheckConstraint(
                condition=Q(during__upper_inf=True) | Q(during__endswith__lt=LATEST), name="clause_window_bounded"
            ),
        ]

    def __str__(self) -> str:
        return f"{', '.join(self.permissions)} on {self.code} {self.name}"


class Signature(TenantModel):
    """A party's word for one version's text. `user_name` is kept, since the other party can't see the user."""

    agreement = TenantForeignKey("tenants.Agreement", models.PROTECT, related_name="signatures")
    version = TenantForeignKey("tenants.AgreementVersion", models.PROTECT, related_name="signatures")
    party = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    user = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    user_name = models.CharField(max_length=200)
    via = models.CharField(max_length=100)
    text_hash = models.CharField(max_length=64)
    signed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "version", "party"], name="signature_once")]

    def __str__(self) -> str:
        return f"{self.user_name} at {self.signed_at}"
