"""Which group of companies an organisation belongs to: said by operators of the platform, never by itself."""

from tenants.ledger.actions import enter
from tenants.models import Tenant


def put_in_group(*, tenant: Tenant, group_name: str) -> None:
    """As the platform; '' takes it out of any. A group is spelled as it was first. The organisation's ledger has it."""
    wanted, before = " ".join(group_name.split()), tenant.group_name
    known = Tenant.objects.filter(group_name__iexact=wanted).exclude(pk=tenant.pk).order_by("pk")
    tenant.group_name = known.values_list("group_name", flat=True).first() or wanted
    if tenant.group_name != before:
        tenant.save(update_fields=["group_name"])
        said = {"group": tenant.group_name, "before": before}
        enter(kind="organisation.grouped", subject=tenant.pk, payload=said, with_tenants={tenant.pk})
