from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    name = "marketplace"
    verbose_name = "Service tasks"

    def ready(self) -> None:
        from edge_bridge.production.api import LEFT_OPEN, LeftOpen
        from marketplace.queries import left_open, told_tasks
        from tenants.api import FAMILIES, Family

        FAMILIES["tasks"] = Family("view_tasks", told_tasks)
        LEFT_OPEN["tasks"] = LeftOpen("view_tasks", left_open)
