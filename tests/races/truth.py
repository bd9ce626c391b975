"""What holds after any race, whoever won it."""

from django.db.models import Sum

from marketplace.models import JournalLine
from tenants.ledger.verification import verify
from tenants.ledger.verify_bundle import Chain
from tenants.models import FeedEvent
from tests.personas import Organisation


def sound(*organisations: Organisation) -> None:
    """Feeds without a gap, ledgers whose chains hold, and books that balance entry by entry."""
    for each in organisations:
        with each.acting():
            told = list(FeedEvent.objects.order_by("seq").values_list("seq", flat=True))
            assert told == list(range(1, len(told) + 1))
            chain, goes_on = Chain(), True
            while goes_on:  # a long ledger is followed in stretches
                verdict = verify(each.id, chain)
                assert verdict.fault is None
                goes_on = verdict.next_after is not None
            sums = JournalLine.objects.values("entry").annotate(rest=Sum("amount_minor"))
            assert [row for row in sums if row["rest"]] == []
