import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.context import as_platform
from tenants.ledger.queries import chain_of, first_difference
from tenants.ledger.verification import Verdict, verify
from tenants.ledger.verify_bundle import Chain
from tenants.models import Tenant

REASON = "follow the chains of ledgers"


class Command(BaseCommand):
    help = "Follow the ledger of one organisation, or of all, and hold shared entries against those of the others."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="of this organisation only")
        parser.add_argument("--expect-head", type=_head, metavar="SEQ:HASH", help="what was kept elsewhere")

    def handle(self, *args: Any, **options: Any) -> None:
        slug, expected = options["tenant"], options["expect_head"]
        if expected and not slug:
            raise CommandError("Say by --tenant whose head it is that you expect.")
        with as_platform("verify_ledger", REASON):
            found = Tenant.objects.filter(**({"slug": slug} if slug else {})).order_by("slug")
            tenants = list(found)
        if slug and not tenants:
            raise CommandError(f"There is no organisation {slug!r}.")
        broken = [tenant.slug for tenant in tenants if not self._is_sound(tenant, expected)]
        if broken:
            raise CommandError(f"{len(broken)} of {len(tenants)} ledgers are broken: {', '.join(broken)}")

    def _is_sound(self, tenant: Tenant, expected: tuple[int, str] | None) -> bool:
        verdict = self._follow(tenant)
        words = str(verdict.fault) if verdict.fault else _elsewhere(tenant, expected)
        state = f"BROKEN {words}" if words else f"SOUND {verdict.last} entries, head {verdict.last}:{verdict.hash}"
        self.stdout.write(f"{tenant.slug}: {state}")
        return not words

    def _follow(self, tenant: Tenant) -> Verdict:
        """Stretch by stretch, each in a transaction of its own."""
        chain = Chain()
        while True:
            with as_platform("verify_ledger", REASON):
                verdict = verify(tenant.pk, chain)
            if verdict.next_after is None:
                return verdict
            self.stderr.write(f"{tenant.slug}: {verdict.last} of {verdict.head_seq} entries")


def _elsewhere(tenant: Tenant, expected: tuple[int, str] | None) -> str:
    """In words, how a chain that is sound in itself differs from what others hold of it; '' if it doesn't."""
    with as_platform("verify_ledger", REASON):
        if expected:
            entry = chain_of(tenant.pk, expected[0] - 1, expected[0]).first()
            if entry is None or entry.hash != expected[1]:
                return f"entry {expected[0]}: its hash is not the one that was kept elsewhere"
        differs = first_difference(tenant.pk)
        return f"entry {differs[0]}: it is not the same in the ledger of {differs[1]}" if differs else ""


def _head(text: str) -> tuple[int, str]:
    if not re.fullmatch(r"[1-9]\d*:[0-9a-f]{64}", text):
        raise ArgumentTypeError("give it as SEQ:HASH, as ledger_heads prints it")
    seq, _, hash_ = text.partition(":")
    return int(seq), hash_
