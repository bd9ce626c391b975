"""Plans of several organisations: one coordinates, each brings its part unseen by the others and sees its own share."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.api import TenantForeignKey, TenantModel

MOST_NAMES = 200


class JointPlan(TenantModel):
    """What `tenant` (the coordinator) invites to: the periods, the kind of set and the options that all parts share.

    Nothing of it changes but `closed_at`, and nothing of a seat but how it is filled: a trigger sees to both.
    """

    name = models.CharField(max_length=200)
    coordinator_name = models.CharField(max_length=200)
    frame = models.JSONField()
    created_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="joint_plan_newest")]

    def __str__(self) -> str:
        return self.name


class JointSeat(TenantModel):
    """The place of a participant (the coordinator may take one too) and the names of mines, centres, users it brings.

    The participant fills `version`, `digest` and `contributed_at` when it brings its part: in the coordinator's name,
    since the seat is the coordinator's row. `withdrawn_at` is when it was last taken back; a part brought later counts.
    """

    joint = TenantForeignKey(JointPlan, models.PROTECT, related_name="seats")
    participant = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    participant_name = models.CharField(max_length=200)
    mines = ArrayField(models.CharField(max_length=100), default=list, size=MOST_NAMES)
    centres = ArrayField(models.CharField(max_length=100), default=list, size=MOST_NAMES)
    users = ArrayField(models.CharField(max_length=100), default=list, size=MOST_NAMES)
    version = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    contributed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["participant", "-id"], name="joint_seat_newest")]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "joint", "participant"], name="joint_seat_once"),
            models.CheckConstraint(
                condition=Q(version=0, digest="") | (Q(version__gt=0) & ~Q(digest="")), name="joint_seat_filled"
            ),
        ]

    def __str__(self) -> str:
        return self.participant_name

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None and (
            self.contributed_at is None or self.contributed_at < self.withdrawn_at
        )


class JointPart(TenantModel):
    """One version of what a participant (`tenant`) brings; never changed, read by nobody else.

    `digest` is the SHA-256 of the canonical JSON of the row's id and the document. The id is nobody else's to know, so
    that whoever sees the digest can't try figures against it.
    """

    owner = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    joint = TenantForeignKey(JointPlan, models.PROTECT, tenant_field="owner", related_name="+")
    version = models.PositiveIntegerField()
    document = models.JSONField()
    digest = models.CharField(max_length=64)
    contributed_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "joint", "version"], name="joint_part_once")]

    def __str__(self) -> str:
        return f"version {self.version}"


class PlanShare(TenantModel):
    """What a plan of several organisations means to one of them (`tenant`): its own flows, its share of the cost."""

    owner = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    run = TenantForeignKey("optimization.PlanRun", models.PROTECT, tenant_field="owner", related_name="+")
    joint = TenantForeignKey(JointPlan, models.PROTECT, tenant_field="owner", related_name="+")
    status = models.CharField(max_length=10)
    plan = models.JSONField(null=True)
    cost_terms_usd = models.JSONField(null=True)
    cost_usd = models.FloatField(null=True)
    explanation = models.JSONField(default=list)
    message = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="plan_share_newest")]
        constraints = [models.UniqueConstraint(fields=["tenant", "run"], name="plan_share_once")]

    def __str__(self) -> str:
        return f"{self.status} share"
