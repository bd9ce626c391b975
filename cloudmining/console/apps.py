from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "cloudmining.console"
    verbose_name = "Console"
