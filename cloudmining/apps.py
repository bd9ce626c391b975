from django.apps import AppConfig


class CloudminingConfig(AppConfig):
    name = "cloudmining"

    def ready(self) -> None:
        # Here and not in the package itself, which the launcher of the embedded servers imports without Django.
        from cloudmining import celery  # noqa: F401
