from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    name = "marketplace"
    verbose_name = "Service tasks"

    def ready(self) -> None:
        from edge_bridge.production.api import LEFT_OPEN, LeftOpen
        from marketplace.crew.actions import release_booked
        from marketplace.queries import left_open, told_tasks
        from tenants.api import FAMILIES, Family
        from tenants.resources.api import ENDS_WITH_BOOKINGS

        FAMILIES["tasks"] = Family("view_tasks", told_tasks)
        ENDS_WITH_BOOKINGS.append(release_booked)
        LEFT_OPEN["tasks"] = LeftOpen("view_tasks", left_open)
