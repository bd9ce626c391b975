"""What the two administrations show of the ledger: an operator too may only look."""

from tenants import models
from tenants.admin_sites import ReadOnly, show


class LedgerEntryAdmin(ReadOnly):
    list_display = ("seq", "at", "kind", "by", "user_name", "subject_id", "hash")
    list_filter = ("kind",)
    search_fields = ("kind", "user_name", "hash")
    list_select_related = ("by",)
    ordering = ("-at",)


class LedgerHeadAdmin(ReadOnly):
    list_display = ("tenant", "seq", "hash")


show({models.LedgerEntry: LedgerEntryAdmin, models.LedgerHead: LedgerHeadAdmin})
