from typing import Any

from django.apps import AppConfig, apps
from django.apps.registry import Apps
from django.db.models.signals import post_migrate


class EdgeBridgeConfig(AppConfig):
    name = "edge_bridge"
    verbose_name = "Edge: readings and alarms"

    def ready(self) -> None:
        post_migrate.connect(_make_partitions, sender=self)
        from edge_bridge.commands.queries import told_commands
        from edge_bridge.queries import standing_alarms
        from tenants.api import FAMILIES, Family

        FAMILIES["alarms"] = Family("view_alarms", standing_alarms)
        FAMILIES["commands"] = Family("send_commands", told_commands)


def _make_partitions(using: str, apps: Apps = apps, **kwargs: Any) -> None:
    """After each migration of the schema, unless it went back to before the table of readings."""
    from edge_bridge.partitions import make_ahead

    if "reading" in apps.all_models["edge_bridge"]:
        make_ahead(using)
