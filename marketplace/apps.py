from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    name = "marketplace"
    verbose_name = "Service tasks"

    def ready(self) -> None:
        from marketplace.queries import told_tasks
        from tenants.api import FAMILIES, Family

        FAMILIES["tasks"] = Family("view_tasks", told_tasks)
