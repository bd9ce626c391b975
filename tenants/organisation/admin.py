"""What the two administrations show of an organisation's tree, its archives and its closing."""

from tenants import models
from tenants.admin_sites import ReadOnly, Registry, show


class CompanyAdmin(Registry):
    list_display = ("code", "name", "parent")
    search_fields = ("code", "name")


class ProcessAdmin(Registry):
    list_display = ("code", "name", "kind", "site")
    list_filter = ("kind",)
    search_fields = ("code", "name")


class ExportAdmin(ReadOnly):
    list_display = ("requested_at", "requested_by", "status", "n_rows", "size_bytes", "expires_at")
    list_filter = ("status",)


class ClosureAdmin(ReadOnly):
    list_display = ("requested_at", "requested_by", "reason", "purge_after", "withdrawn_at", "purged_at")


show(
    {
        models.Company: CompanyAdmin,
        models.Process: ProcessAdmin,
        models.Export: ExportAdmin,
        models.Closure: ClosureAdmin,
    }
)
