"""The writes of reactions: switching one on, and working off what the feed holds for it.

The feed itself is what is owed: a switch remembers how far it has looked, and takes the next step in one transaction
with what follows from it. A worker that dies leaves both undone.
"""

import logging
from typing import Any, Final
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from marketplace.models import Reaction, ReactionSwitch, ServiceTask
from marketplace.queries import database_time
from marketplace.reactions import drafts
from marketplace.reactions.data import RULES, Outcome
from marketplace.sweeping import FAULTS
from tenants.api import acting_as, announce, as_platform, enter, feed_events, feed_head, get_site, opened, require
from tenants.data import Actor, Event, FieldError, Invalid, NotFound, Refusal
from tenants.models import FeedEvent, FeedHead, Membership, Site

AT_ONCE = 50
PAGE = 20
FAILED: Final = "It could not be done: a fault of the system, which is in its log. Do it by hand."
LEFT: Final = "Who switched it on has left, or may no longer do what follows: it is off until somebody sets it anew."
log = logging.getLogger(__name__)


def set_reaction(*, reaction: str, is_on: bool, site_id: UUID | None = None) -> ReactionSwitch:
    """Switch a reaction of the own organisation, from the next event on; who does so is whom it acts for.

    NotFound for a reaction that there is not, Invalid where it needs a site and none is named.
    """
    manager = require("manage")
    if reaction not in RULES:
        raise NotFound
    for capability in RULES[reaction].needs:
        require(capability)
    if is_on and RULES[reaction].needs_site and site_id is None:
        raise Invalid("Say for which site its tasks are.", (FieldError("/site", "name a site of yours"),))
    site, head = _own_site(site_id, manager), feed_head()
    now = {"is_on": is_on, "site": site, "set_by_id": manager.user_id, "epoch": head.epoch, "through": head.seq}
    now |= {"set_at": database_time()}
    switch, _ = ReactionSwitch.objects.update_or_create(tenant_id=manager.tenant_id, reaction=reaction, defaults=now)
    _enter(switch)
    return switch


def claim_due() -> list[tuple[Actor, UUID]]:
    """As the platform: switches behind which the feed has gone on, with whom they act for."""
    heads = FeedHead.objects.filter(tenant=OuterRef("tenant")).exclude(
        epoch=OuterRef("epoch"), seq__lte=OuterRef("through")
    )
    with as_platform("sweep", "find reactions to which events are owed") as platform:
        due = list(ReactionSwitch.objects.filter(Exists(heads), is_on=True).order_by("set_at")[:AT_ONCE])
        platform.leaves_trace = bool(due)
        return [(_actor_of(row), row.pk) for row in due]


def react(actor: Actor, switch_id: UUID) -> int:
    """Look at the next events, in one transaction of whom the switch acts for. Returns how many were reacted to."""
    with acting_as(actor):
        switch = ReactionSwitch.objects.select_for_update().filter(pk=switch_id, is_on=True).first()
        if switch is None:
            return 0
        if not all(actor.can(capability) for capability in RULES[switch.reaction].needs):
            _disable(switch)
            return 0
        events, through = _unseen(switch)
        made = [_react_to(event, switch) for event in events if _is_for(event, switch)]
        ReactionSwitch.objects.filter(pk=switch.pk).update(epoch=feed_head().epoch, through=through)
        return len(made)


def _disable(switch: ReactionSwitch) -> None:
    """Whom it acts for has left, or has another role now: it is off until somebody sets it anew, and all that it owed
    is refused."""
    switch.is_on = False
    switch.save(update_fields=["is_on"])
    _enter(switch)
    body = {"reaction": switch.reaction, "site": switch.site_id and str(switch.site_id), "reason": LEFT}
    announce(Event(kind="reaction.disabled", body=body, permission="view_tasks"))
    for event in _owed(switch, feed_head()):
        if _is_for(event, switch):
            _keep(event, switch, Outcome.REFUSED, LEFT)


def _enter(switch: ReactionSwitch) -> None:
    payload = {"reaction": switch.reaction, "is_on": switch.is_on, "site": switch.site_id}
    enter(kind="reaction.switched", subject=switch.pk, payload=payload)


def _unseen(switch: ReactionSwitch) -> tuple[list[FeedEvent], int]:
    """The next events that it owes, and up to where the feed was looked at."""
    head = feed_head()
    found = list(_owed(switch, head)[:PAGE])
    return found, found[-1].seq if len(found) == PAGE else head.seq


def _owed(switch: ReactionSwitch, head: FeedHead) -> QuerySet[FeedEvent]:
    """The next own events of the switch's kinds, oldest first."""
    if head.epoch != switch.epoch:  # another log after a restore: what it holds has been told before
        return FeedEvent.objects.none()
    rule = RULES[switch.reaction]
    own = feed_events(after=switch.through).filter(seq__lte=head.seq, kind__in=rule.kinds, grant_ids=[])
    return own.filter(body__contains=dict(rule.where))


def _is_for(event: FeedEvent, switch: ReactionSwitch) -> bool:
    rule = RULES[switch.reaction]
    is_meant = rule.applies(event.body, switch.site_id and str(switch.site_id))
    return is_meant and (event.kind == rule.kind or not _has_followed(event, switch))


def _has_followed(event: FeedEvent, switch: ReactionSwitch) -> bool:
    known = Reaction.objects.filter(tenant=switch.tenant_id, reaction=switch.reaction)
    return known.filter(subject_id=_subject(event, switch), happened_at__gte=event.body["raised_at"]).exists()


def _react_to(event: FeedEvent, switch: ReactionSwitch) -> Reaction:
    """What came of it is kept, also a refusal or a fault, of which nothing else is left; the next has its turn."""
    task: ServiceTask | None = None
    try:
        with transaction.atomic(using=opened().alias):
            task, outcome, words = drafts.DRAFTS[switch.reaction](_subject(event, switch), event, switch)
    except Refusal as refusal:
        outcome, words = Outcome.REFUSED, _in_words(refusal)
    except OperationalError:
        raise  # a lock or the connection: the event stays owed
    except FAULTS:
        log.exception("reaction %s to event %s failed", switch.reaction, event.pk)
        outcome, words = Outcome.FAILED, FAILED
    return _keep(event, switch, outcome, words, task)


def _keep(
    event: FeedEvent, switch: ReactionSwitch, outcome: Outcome, words: str, task: ServiceTask | None = None
) -> Reaction:
    subject = _subject(event, switch)
    about: dict[str, Any] = {"event_id": event.pk, "subject_id": subject, "happened_at": event.occurred_at}
    return Reaction.objects.create(
        tenant_id=switch.tenant_id, reaction=switch.reaction, task=task, outcome=outcome.value, words=words, **about
    )


def _subject(event: FeedEvent, switch: ReactionSwitch) -> UUID:
    return drafts.SUBJECTS[switch.reaction](event.body)


def _in_words(refusal: Refusal) -> str:
    return " ".join([refusal.detail, *(f"{error.pointer}: {error.message}" for error in refusal.errors)])


def _own_site(site_id: UUID | None, manager: Actor) -> Site | None:
    if site_id is None:
        return None
    site = get_site(site_id, needs="manage")
    if site.tenant_id != manager.tenant_id:
        raise NotFound
    return site


def _actor_of(row: ReactionSwitch) -> Actor:
    roles = Membership.objects.filter(tenant=row.tenant_id, user=row.set_by_id).values_list("roles", flat=True).first()
    return Actor(row.tenant_id, row.set_by_id, frozenset(roles or ()), f"reaction:{row.reaction}")
