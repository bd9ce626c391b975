from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.models.base import TenantForeignKey, TenantModel

DIGITS = {"max_digits": 16, "decimal_places": 3}


class Material(TenantModel):
    """Something that is kept in stock; `unit` is a UCUM code of `resources.data.UNITS`."""

    code = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    unit = models.CharField(max_length=10)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "code"],
                name="material_code_once",
                violation_error_message="This material code is taken.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class StockLevel(TenantModel):
    """What is there now: the sum of the moves, kept by the database as they are written and by nothing else."""

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    material = TenantForeignKey("tenants.Material", models.PROTECT, related_name="levels")
    quantity = models.DecimalField(**DIGITS)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "site", "material"], name="stock_level_once"),
            models.CheckConstraint(
                condition=Q(quantity__gte=0),
                name="stock_level_not_negative",
                violation_error_message="There is not as much in stock.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.material}"


class StockMove(TenantModel):
    """One entry of the stock ledger, never changed. `quantity` is what it adds; `balance` what was there after it.

    The two moves of a transfer between sites share its id in `transfer`.
    """

    class Kind(models.TextChoices):
        RECEIPT = "receipt", "Receipt"
        ISSUE = "issue", "Issue"
        TRANSFER_OUT = "transfer_out", "Transfer out"
        TRANSFER_IN = "transfer_in", "Transfer in"
        ADJUSTMENT = "adjustment", "Adjustment"

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    material = TenantForeignKey("tenants.Material", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind)
    quantity = models.DecimalField(**DIGITS)
    balance = models.DecimalField(**DIGITS, null=True, editable=False)
    transfer = models.UUIDField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True, default="")
    reference = models.CharField(max_length=100, blank=True, default="")
    moved_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    moved_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="stock_move_newest"),
            models.Index(fields=["tenant", "site", "material", "-id"], name="stock_move_of_level"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "transfer", "kind"], name="stock_transfer_leg_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["receipt", "transfer_in"], quantity__gt=0)
                | Q(kind__in=["issue", "transfer_out"], quantity__lt=0)
                | (Q(kind="adjustment") & ~Q(quantity=0)),
                name="stock_move_sign",
                violation_error_message="A receipt adds and an issue takes.",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["transfer_out", "transfer_in"]) ^ Q(transfer__isnull=True),
                name="stock_move_of_transfer",
            ),
            models.CheckConstraint(
                condition=~Q(kind="adjustment") | Q(reason__gt=""),
                name="stock_adjustment_has_reason",
                violation_error_message="Say why the stock is adjusted.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.quantity}"
