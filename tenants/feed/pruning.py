"""What is older than is kept leaves the log from its beginning; a cursor before it is then answered with a reset."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings

from tenants.context import as_platform
from tenants.models import FeedEvent, FeedHead

BATCH: Final = 5000


def prune() -> int:
    """As the platform, for every feed, in batches; returns how many events were removed."""
    before = datetime.now(UTC) - timedelta(days=settings.FEED_KEEP_DAYS)
    with as_platform("sweep", "find feeds with events that are no longer kept") as platform:
        feeds = list(FeedEvent.objects.filter(recorded_at__lt=before).values_list("tenant", flat=True).distinct())
        platform.leaves_trace = bool(feeds)
    return sum(_prune(feed, before) for feed in feeds)


def _prune(feed: UUID, before: datetime) -> int:
    removed = 0
    while some := _prune_some(feed, before):
        removed += some
    return removed


def _prune_some(feed: UUID, before: datetime) -> int:
    """Events and `min_seq` in one transaction. The clock may have jumped: only from the beginning, never a hole."""
    with as_platform("sweep", "remove events that are no longer kept"):
        head = FeedHead.objects.select_for_update().get(tenant=feed)
        kept = FeedEvent.objects.filter(tenant=feed, recorded_at__gte=before)
        first_kept = kept.order_by("seq").values_list("seq", flat=True).first() or head.seq + 1
        min_seq = min(first_kept, head.min_seq + BATCH)
        removed, _ = FeedEvent.objects.filter(tenant=feed, seq__lt=min_seq).delete()
        FeedHead.objects.filter(tenant=feed, min_seq__lt=min_seq).update(min_seq=min_seq)
        return removed
