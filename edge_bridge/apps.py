from django.apps import AppConfig


class EdgeBridgeConfig(AppConfig):
    name = "edge_bridge"
    verbose_name = "Edge: readings and alarms"
