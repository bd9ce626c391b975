from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EdgeBridgeConfig(AppConfig):
    name = "edge_bridge"
    verbose_name = "Edge: readings and alarms"

    def ready(self) -> None:
        post_migrate.connect(_make_partitions, sender=self)


def _make_partitions(using: str, **kwargs: Any) -> None:
    from edge_bridge.partitions import make_ahead

    make_ahead(using)
