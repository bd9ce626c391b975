"""What the two administrations show of the plans."""

from optimization.models import PlanRun
from tenants.admin_sites import ReadOnly, show


class PlanRunAdmin(ReadOnly):
    list_display = ("name", "status", "attempt", "requested_by", "created_at", "finished_at", "message")
    list_filter = ("status",)
    search_fields = ("name",)
    exclude = ("instance", "plan")


show({PlanRun: PlanRunAdmin})
