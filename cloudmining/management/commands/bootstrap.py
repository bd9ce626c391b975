import gc
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Bring the database to this version, as its owner, and make today's partitions."

    def handle(self, *args: Any, **options: Any) -> None:
        # Migrations make and drop thousands of classes; looking for those again and again is a third of the time.
        gc.disable()
        try:
            call_command("migrate", database="owner", interactive=False, verbosity=options["verbosity"])
        finally:
            gc.enable()
