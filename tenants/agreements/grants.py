"""The guardian rows that an agreement in force consists of: written from its clauses, gone with its end."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connections

from tenants.context import opened
from tenants.models import Agreement, Clause, EquipmentGroupObjectPermission, SiteGroupObjectPermission, new_id
from tenants.rows import as_json

GRANTS = (SiteGroupObjectPermission, EquipmentGroupObjectPermission)


def write_grants(agreement: Agreement, clauses: Iterable[Clause]) -> int:
    """One grant for each permission of each clause, in one statement; returns how many."""
    grants = list(grants_of(agreement, clauses))
    with connections[opened().alias].cursor() as cursor:
        cursor.execute("SELECT wall.write_grants(%s)", [as_json(grants)])
        written: int = cursor.fetchone()[0]
    return written


def remove_grants(agreement: Agreement) -> None:
    for model in GRANTS:
        model.objects.filter(agreement=agreement).delete()


def grants_of(agreement: Agreement, clauses: Iterable[Clause]) -> Iterator[dict[str, Any]]:
    """As `wall.write_grants` takes them."""
    for clause in clauses:
        on_site = clause.site_id is not None
        for permission in clause.permissions:
            yield {
                "id": new_id(),
                "tenant_id": agreement.tenant_id,
                "grantee_id": agreement.partner_id,
                "agreement_id": agreement.pk,
                "clause_id": clause.pk,
                "during": clause.during,
                "purpose": clause.purpose,
                "field_mask": clause.field_mask,
                "delay_s": clause.delay_s,
                "floor_n": clause.floor_n,
                "content_object_id": clause.site_id or clause.equipment_id,
                "place": "site" if on_site else "equipment",
                "permission": permission,
            }
