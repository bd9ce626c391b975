"""What partners were given, in both administrations."""

from tenants.admin_sites import ReadOnly, show
from tenants.models import SharedRead


class SharedReadAdmin(ReadOnly):
    list_display = ("read_at", "agreement", "reader", "user_name", "kind", "n_rows", "permission", "purpose", "via")
    list_filter = ("permission", "kind")
    list_select_related = ("agreement",)
    search_fields = ("agreement__title", "user_name", "via", "purpose")


show({SharedRead: SharedReadAdmin})
