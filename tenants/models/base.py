"""What every row of an organisation has: a server-made key that sorts by time, and the organisation's own key."""

from typing import Any

from django.db import models

from tenants.ids import new_id


class TenantForeignKey(models.ForeignKey):
    """A reference inside an organisation, enforced as the composite key `(tenant_id, …)` by `policies.Wall`.

    `tenant_field` names the local field that holds the organisation of the row referred to; it differs from `tenant`
    only where a row points at another organisation's object, such as a claim on a service task.
    """

    def __init__(self, to: Any, on_delete: Any, *, tenant_field: str = "tenant", **kwargs: Any) -> None:
        self.tenant_field = tenant_field
        kwargs["db_constraint"] = False
        super().__init__(to, on_delete, **kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_constraint", None)
        if self.tenant_field != "tenant":
            kwargs["tenant_field"] = self.tenant_field
        return name, path, list(args), kwargs


class TenantModel(models.Model):
    """Base of every table that belongs to an organisation; `policies.Wall` gives it its row-level security."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False, editable=False)

    class Meta:
        abstract = True
