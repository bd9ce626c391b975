from typing import Any

from django.contrib.postgres.functions import RandomUUID
from django.core.management.base import BaseCommand

from tenants.context import as_platform
from tenants.models import FeedHead


class Command(BaseCommand):
    help = (
        "After the database was restored from a backup: void all cursors of feeds, so that nobody reads on past a hole."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with as_platform("begin_feed_epochs", "the database was restored from a backup"):
            n = FeedHead.objects.update(epoch=RandomUUID())
        self.stdout.write(
            f"{n} {'feed begins' if n == 1 else 'feeds begin'} a new epoch; their clients are told reset."
        )
