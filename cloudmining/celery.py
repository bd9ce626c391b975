"""The Celery application."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudmining.settings")

app = Celery("cloudmining", task_cls="tenants.task:ActorTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(
    [
        "marketplace.reactions",
        "optimization.studies",
        "tenants.agreements",
        "tenants.metering",
        "tenants.organisation",
        "tenants.webhooks",
    ]
)
