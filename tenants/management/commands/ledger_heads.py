from typing import Any

from django.core.management.base import BaseCommand

from tenants.context import as_platform
from tenants.models import LedgerHead


class Command(BaseCommand):
    help = "Print the end of every ledger as `slug seq:hash`, to be kept where the database's owner can't reach it."

    def handle(self, *args: Any, **options: Any) -> None:
        with as_platform("ledger_heads", "print the ends of ledgers, to be kept elsewhere"):
            heads = LedgerHead.objects.order_by("tenant__slug").values_list("tenant__slug", "seq", "hash")
            for slug, seq, hash_ in heads.iterator():
                self.stdout.write(f"{slug} {seq}:{hash_}")
