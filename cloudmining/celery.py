"""The Celery application."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudmining.settings")
# `bootstrap` makes Django's checks. They load every page and address, of which a worker serves none: half of its start.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

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
