from django.db import models

from tenants.models.base import new_id


class Tenant(models.Model):
    """An organisation. `listed` ones show their name to the other organisations (marketplace, partners).

    Those with the same `group_name` are sisters: one may not be paid by the other on the marketplace. Operators of the
    platform set it, see tenants.organisation.groups; a trigger keeps everybody else from it.
    """

    class Kind(models.TextChoices):
        MINING_GROUP = "mining_group", "Mining group"
        MINE_OPERATOR = "mine_operator", "Mine operator"
        SERVICE_FIRM = "service_firm", "Service firm"
        EQUIPMENT_MAKER = "equipment_maker", "Equipment maker"
        DESIGN_INSTITUTE = "design_institute", "Design institute"
        CONSULTANCY = "consultancy", "Consultancy"
        LOGISTICS_FIRM = "logistics_firm", "Logistics firm"
        FINAL_USER = "final_user", "Final user"
        REGULATOR = "regulator", "Regulator"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Kind)
    listed = models.BooleanField(default=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, default="USD")
    created_at = models.DateTimeField(auto_now_add=True)
    group_name = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="The group of companies that it belongs to, if any.",
    )
    closing_at = models.DateTimeField(null=True, blank=True, help_text="From then on only its owner acts, to close it.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
