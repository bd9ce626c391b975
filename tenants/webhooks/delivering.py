"""Posting what is owed to one webhook, one event after the other, from rows alone.

A run holds the webhook by its `due_at`, which it keeps putting off. Each transaction notes how the last post went and
reads what comes next, with the rights of then; the posts happen between transactions.
"""

import random
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from tenants.bus import announce
from tenants.context import acting_as, as_platform
from tenants.data import Actor, Event
from tenants.feed.entry import Entry
from tenants.feed.filters import asked_filter
from tenants.feed.frames import Reset
from tenants.feed.log import Head, Stale, head_now, page_now
from tenants.feed.rights import rights_of
from tenants.feed.snapshot import state_now
from tenants.models import FeedHead, Membership, Webhook, WebhookDelivery
from tenants.secrets import unseal
from tenants.webhooks.access import NEEDS
from tenants.webhooks.actions import SEALED_FOR
from tenants.webhooks.addresses import BadAddress, networks_of, target_of
from tenants.webhooks.messages import Message, event_message, headers_of, reset_message, test_message
from tenants.webhooks.posting import Answer, post

RUN_S: Final = 20.0
HOLD: Final = timedelta(seconds=60)
AT_ONCE: Final = 20
PAGE: Final = 20
PAGE_HOLDS_S: Final = 5.0
# From the first failure on, and then as long as the last one again and again, until the webhook is given up.
WAITS_S: Final = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800)
GONE: Final = 410
NO_RIGHTS: Final = "Whoever made it has no rights here any more; make a new one."
WRITTEN: Final = (
    *("epoch", "cursor", "status", "disabled_because", "attempts", "failing_since"),
    *("due_at", "delivered_at", "test_asked_at"),
)


def claim_due() -> list[tuple[UUID, Actor]]:
    """As the platform: take up webhooks to which something is owed, so that no other sweep does for a while."""
    now = _now()
    heads = FeedHead.objects.filter(tenant=OuterRef("tenant")).exclude(
        epoch=OuterRef("epoch"), seq__lte=OuterRef("cursor")
    )
    is_owed = Q(test_asked_at__isnull=False) | Q(Exists(heads), status=Webhook.Status.ACTIVE)
    with as_platform("sweep", "find webhooks to which events are owed") as platform:
        due = Webhook.objects.filter(is_owed, due_at__lte=now).order_by("due_at")
        found = list(due.select_for_update(skip_locked=True)[:AT_ONCE])
        Webhook.objects.filter(pk__in=[row.pk for row in found]).update(due_at=now + HOLD)
        platform.leaves_trace = bool(found)
        return [(row.pk, _actor_of(row)) for row in found]


def _actor_of(row: Webhook) -> Actor:
    roles = Membership.objects.filter(tenant=row.tenant_id, user=row.user_id).values_list("roles", flat=True).first()
    scopes = None if row.scopes is None else frozenset(row.scopes)
    return Actor(row.tenant_id, row.user_id, frozenset(roles or ()), f"webhook:{row.pk}", scopes, row.purpose)


class Run:
    """One webhook for at most RUN_S. A page is kept over a few posts, and read anew as soon as rights or the filter
    change."""

    def __init__(self, webhook_id: UUID, actor: Actor) -> None:
        self.webhook_id, self.actor = webhook_id, actor
        self._page: deque[Entry] = deque()
        self._read_with: Head | None = None
        self._read_for: Any = None
        self._read_s = 0.0
        self._has_more = True

    def work(self) -> int:
        """Returns how many messages were taken."""
        ends_at, taken = time.monotonic() + RUN_S, 0
        outcome: tuple[Message, Answer] | None = None
        while self._has_more:
            step = self._step(outcome, is_last=time.monotonic() > ends_at)
            outcome = None
            if step is not None:
                outcome = step[1], _posted(*step)
                taken += outcome[1].is_taken
        return taken

    def _step(self, outcome: tuple[Message, Answer] | None, *, is_last: bool) -> tuple[Webhook, Message] | None:
        """Note the outcome; what to post next, None if nothing now."""
        with acting_as(self.actor):
            row = Webhook.objects.select_for_update().filter(pk=self.webhook_id).first()
            if row is None or (outcome is not None and not _note(row, *outcome)):
                self._has_more = False
                return None
            message = None if is_last else self._next(row)
            self._has_more = self._has_more and not is_last
            row.due_at = _now() + HOLD if self._has_more else _now()
            row.save(update_fields=WRITTEN)
            return (row, message) if message else None

    def _next(self, row: Webhook) -> Message | None:
        if row.test_asked_at is not None:
            return test_message(row.tenant_id, row.pk, row.test_asked_at)
        head = head_now()
        try:
            if not self._holds(row, head):
                self._read(row, head)
        except Stale as stale:
            fresh = Reset(head.epoch, head.seq, head.min_seq, stale.reason, state_now(self.actor))
            return reset_message(row.tenant_id, fresh, _now())
        if not self._page:
            return None
        frame = self._page.popleft().frame
        row.cursor = max(row.cursor, frame.seq - 1)
        return event_message(row.tenant_id, row.epoch, frame)

    def _holds(self, row: Webhook, head: Head) -> bool:
        """Whether the page in hand may still be posted, as it was read."""
        read = self._read_with
        is_as_read = read is not None and (read.epoch, read.rights_epoch) == (row.epoch, head.rights_epoch)
        is_as_read = is_as_read and self._read_for == row.filter
        is_active = row.status == Webhook.Status.ACTIVE
        return bool(self._page) and is_as_read and is_active and time.monotonic() - self._read_s < PAGE_HOLDS_S

    def _read(self, row: Webhook, head: Head) -> None:
        self._page.clear()
        rights = rights_of([self.actor]).get(self.actor) if row.status == Webhook.Status.ACTIVE else None
        if rights is None or rights.roles != self.actor.roles:  # with other roles the next sweep goes on
            self._has_more = False
            if rights is None and row.status == Webhook.Status.ACTIVE:
                _give_up(row, NO_RIGHTS)
            return
        page = page_now(row.cursor, row.epoch, PAGE, head)
        view = rights.view(self.actor.purpose, asked_filter(row.filter))
        links = page.chain(row.cursor, view.shown)
        self._page.extend(link for link in links if isinstance(link, Entry))
        self._read_with, self._read_for, self._read_s = head, row.filter, time.monotonic()
        self._has_more = bool(self._page) or page.to < head.seq
        if not self._page:
            row.cursor = page.to


def _posted(row: Webhook, message: Message) -> Answer:
    networks = networks_of(settings.WEBHOOK_NETWORKS)
    now = _now()
    try:
        target = target_of(row.url, allows_http=bool(networks))
    except BadAddress as error:  # the deployment's rules have changed since
        return Answer(None, str(error), 0)
    return post(target, headers_of(message, _secrets_of(row, now), now), message.body, networks)


def _secrets_of(row: Webhook, now: datetime) -> list[str]:
    sealed = [row.secret]
    if row.previous_until is not None and row.previous_until > now:
        sealed.append(row.previous_secret)
    return [unseal(SEALED_FOR, each) for each in sealed]


def _note(row: Webhook, message: Message, answer: Answer) -> bool:
    """Keep how it went; False if the run ends with it."""
    _log(row, message, answer)
    if message.seq is None or message.epoch is None:
        row.test_asked_at = None
    elif answer.is_taken:
        _advance(row, message.epoch, message.seq)
    else:
        _put_off(row, answer)
    row.save(update_fields=WRITTEN)
    return message.seq is None or answer.is_taken


def _advance(row: Webhook, epoch: UUID, seq: int) -> None:
    row.cursor = max(row.cursor, seq) if row.epoch == epoch else seq
    row.epoch, row.delivered_at = epoch, _now()
    row.attempts, row.failing_since = 0, None


def _put_off(row: Webhook, answer: Answer) -> None:
    now = _now()
    row.attempts, row.failing_since = row.attempts + 1, row.failing_since or now
    wait_s = WAITS_S[min(row.attempts, len(WAITS_S)) - 1]
    row.due_at = now + timedelta(seconds=wait_s * random.uniform(0.9, 1.1))
    if answer.status == GONE:
        _give_up(row, "The receiver answered 410: it wants no more.")
    elif now - row.failing_since > timedelta(days=settings.WEBHOOK_GIVE_UP_DAYS):
        _give_up(row, f"Nothing was taken for {settings.WEBHOOK_GIVE_UP_DAYS} days. {answer.problem}"[:200])


def _give_up(row: Webhook, why: str) -> None:
    row.status, row.disabled_because = Webhook.Status.DISABLED, why
    body = {"webhook": str(row.pk), "name": row.name, "reason": why}
    announce(Event(kind="webhook.disabled", body=body, permission=NEEDS))


def _log(row: Webhook, message: Message, answer: Answer) -> None:
    WebhookDelivery.objects.create(
        tenant_id=row.tenant_id,
        webhook=row,
        message_id=message.id,
        seq=message.seq,
        kind=message.kind,
        attempt=1 if message.seq is None else row.attempts + 1,
        answer=answer.status,
        is_taken=answer.is_taken,
        problem=answer.problem,
        took_ms=answer.took_ms,
    )


def _now() -> datetime:
    return datetime.now(UTC)
