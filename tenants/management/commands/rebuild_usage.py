from typing import Any

from django.core.management.base import BaseCommand

from tenants.context import as_platform
from tenants.metering.rolling import rebuild


class Command(BaseCommand):
    help = "Make the hours of usage anew from the usage events, and say how many were not as the events say."

    def handle(self, *args: Any, **options: Any) -> None:
        with as_platform("rebuild_usage", "rebuild the hours of usage"):
            wrong = rebuild()
        self.stdout.write(f"Rebuilt. {wrong} {'was' if wrong == 1 else 'were'} not as the events say.")
