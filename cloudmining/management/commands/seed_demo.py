from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cloudmining.demo_seed import seed


class Command(BaseCommand):
    help = "Found the demo's organisations, people, sites and keys; safe to repeat. Never in production."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.MODE == "production":
            raise CommandError("The demo's organisations have known logins: CLOUDMINING_MODE=production refuses them.")
        seed(settings.HOME)
