"""Grants are guardian's direct-foreign-key rows; a policy hides those not in force, so guardian's answers are right.

Rows are written and removed by `tenants.agreements.grants`, never by `assign_perm`.
"""

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models
from guardian.models import GroupObjectPermissionBase

from tenants.models.base import TenantForeignKey, new_id


class Grant(GroupObjectPermissionBase):
    """`tenant` (the owner) gives the partner's `group` one `permission` on `content_object` while `during` holds.

    The rest is the clause's, see `Clause`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    grantee = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    agreement = TenantForeignKey("tenants.Agreement", models.PROTECT, related_name="+")
    clause = TenantForeignKey("tenants.Clause", models.PROTECT, related_name="+")
    during = DateTimeRangeField()
    purpose = models.CharField(max_length=40, blank=True, default="")
    field_mask = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    delay_s = models.PositiveIntegerField(default=0)
    floor_n = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True


class SiteGroupObjectPermission(Grant):
    content_object = TenantForeignKey("tenants.Site", models.CASCADE)

    class Meta:
        verbose_name = "site grant"
        unique_together = ()
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "clause", "group", "permission", "content_object"], name="site_grant_once"
            )
        ]
        indexes = [models.Index(fields=["grantee", "permission"], name="site_grant_of_grantee")]


class EquipmentGroupObjectPermission(Grant):
    content_object = TenantForeignKey("tenants.Equipment", models.CASCADE)

    class Meta:
        verbose_name = "equipment grant"
        unique_together = ()
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "clause", "group", "permission", "content_object"], name="equipment_grant_once"
            )
        ]
        indexes = [models.Index(fields=["grantee", "permission"], name="equipment_grant_of_grantee")]
