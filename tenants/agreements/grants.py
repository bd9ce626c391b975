"""The guardian rows that an agreement in force consists of: written from its clauses, gone with its end."""

from collections.abc import Iterable

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType

from tenants.models import (
    Agreement,
    Clause,
    Equipment,
    EquipmentGroupObjectPermission,
    Site,
    SiteGroupObjectPermission,
)
from tenants.queries import partner_group

GRANTS = (SiteGroupObjectPermission, EquipmentGroupObjectPermission)


def write_grants(agreement: Agreement, clauses: Iterable[Clause]) -> int:
    """One grant for each permission of each clause; returns how many."""
    return sum(_write(agreement, clause) for clause in clauses)


def remove_grants(agreement: Agreement) -> None:
    for model in GRANTS:
        model.objects.filter(agreement=agreement).delete()


def _write(agreement: Agreement, clause: Clause) -> int:
    on_site = clause.site_id is not None
    model = SiteGroupObjectPermission if on_site else EquipmentGroupObjectPermission
    kind = ContentType.objects.get_for_model(Site if on_site else Equipment)
    group = partner_group(agreement.partner_id)
    permissions = Permission.objects.filter(content_type=kind, codename__in=clause.permissions)
    rows = [
        model(
            tenant_id=agreement.tenant_id,
            grantee_id=agreement.partner_id,
            agreement=agreement,
            clause=clause,
            during=clause.during,
            purpose=clause.purpose,
            field_mask=clause.field_mask,
            delay_s=clause.delay_s,
            floor_n=clause.floor_n,
            group=group,
            permission=permission,
            content_object_id=clause.site_id or clause.equipment_id,
        )
        for permission in permissions
    ]
    return len(model.objects.bulk_create(rows))
