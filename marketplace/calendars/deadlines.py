"""Days and hours that an organisation must not miss, under the identity of one of its members."""

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Q

from marketplace.bids.api import standstill_until
from marketplace.bids.complaining import BEATEN
from marketplace.bids.lifecycle import BidState
from marketplace.calendars.ics import Appointment
from marketplace.contracts.lifecycle import ContractState, MilestoneState
from marketplace.lifecycle import State
from marketplace.models import Bid, Milestone, Profile, ServiceTask
from marketplace.profiles.data import Paper
from marketplace.queries import tasks_in
from tenants.api import actor, on_behalf_of, tenants
from tenants.resources.api import expiring

MOST: Final = 500
YEAR_D: Final = 366
HOST: Final = "cloudmining"
OWED: Final = (MilestoneState.PLANNED, MilestoneState.REWORK)


def leases() -> Iterator[Appointment]:
    """When what others claimed of us, or we of others, has to be done; once it is handed in, to be answered."""
    for scope in ("own", "claimed"):
        for task in tasks_in(scope).filter(state__in=[State.CLAIMED, State.SUBMITTED]).order_by("-pk")[:MOST]:
            if task.claim is None:
                continue
            if task.state == State.CLAIMED:
                yield _of_task(task, "lease", f"Due: {task.title}", task.claim.lease_until)
            elif task.claim.answer_until is not None:
                yield _of_task(task, "answer", f"Accepted unless answered: {task.title}", task.claim.answer_until)


def ends_of_bidding() -> Iterator[Appointment]:
    """Of own tasks, and of those that we bid on."""
    standing = Bid.objects.exclude(state=BidState.WITHDRAWN)  # on others' tasks one reads one's own alone
    bidden = tasks_in("market").filter(pk__in=standing.values("task"))
    for found in (tasks_in("own").filter(state=State.OPEN), bidden):
        for task in found.exclude(bids_until=None).order_by("-pk")[:MOST]:
            yield _of_task(task, "bids", f"Bids end: {task.title}", task.bids_until)


def standstills() -> Iterator[Appointment]:
    """Until when an award of ours may be complained about, or we about one of others."""
    for task in tasks_in("own").filter(state=State.AWARDED).order_by("-pk")[:MOST]:
        until = standstill_until(task)
        if until is not None:
            yield _of_task(task, "standstill", f"Standstill ends: {task.title}", until)
    mine = Bid.objects.filter(tenant=actor().tenant_id, task__state=State.AWARDED, state__in=[BidState.WON, *BEATEN])
    for bid in mine.select_related("task").order_by("-pk")[:MOST]:
        words = "Standstill ends" if bid.state == BidState.WON else "Complaints end"
        with on_behalf_of(bid.owner_id):
            until = standstill_until(bid.task)
        if until is not None:
            yield _of_task(bid.task, "standstill", f"{words}: {bid.task.title}", until)


def milestones() -> Iterator[Appointment]:
    """What is due under contracts, for both parties."""
    me = actor().tenant_id
    owed = Milestone.objects.filter(
        Q(tenant=me) | Q(firm=me), state__in=OWED, contract__state=ContractState.IN_PROGRESS
    )
    for row in owed.select_related("contract").order_by("due_at", "pk")[:MOST]:
        parties = f"{row.contract.firm_name} for {row.contract.owner_name}"
        yield Appointment(
            uid("milestone", row.pk), f"Due: {row.title}, {row.contract.title}", row.due_at, None, parties
        )


def ends_of_papers() -> Iterator[Appointment]:
    """Last days of the firm's own certificates, and of people's: all of them for who may see the register, else one's
    own. Those that were renewed are left out."""
    me = actor()
    zone = ZoneInfo(tenants().get(pk=me.tenant_id).time_zone)
    today = datetime.now(zone).date()
    for profile in Profile.objects.filter(tenant=me.tenant_id):
        for paper in dict.fromkeys(map(Paper.of, profile.certificates)):
            if paper.expires_on is not None and paper.expires_on >= today:
                key = f"{profile.pk}-{paper.issuer}-{paper.issued_on}-{paper.expires_on}"
                yield _last_day(zone, paper.kind, key, paper.expires_on, paper.issuer)
    held: Any = expiring(today=today, within_days=YEAR_D).filter(expires_on__gte=today)
    held = held if me.can("view_resources") else held.filter(person__user=me.user_id)
    for row in held[:MOST]:
        yield _last_day(zone, row.kind, row.pk, row.expires_on, row.person.name)


def _last_day(zone: ZoneInfo, kind: str, key: object, day: date, of: str) -> Appointment:
    begins_at = datetime.combine(day, time.min, zone)
    return Appointment(uid(f"paper-{kind}", key), f"Last day of certificate: {kind}", begins_at, None, of, is_day=True)


def _of_task(task: ServiceTask, what: str, summary: str, at: datetime) -> Appointment:
    return Appointment(uid(what, task.pk), summary, at, description=place(task))


def place(task: ServiceTask) -> str:
    about = task.snapshot
    return ", ".join(filter(None, (about["equipment_code"], about["site_name"], about["owner_name"])))


def uid(what: str, key: object) -> str:
    return f"{what}-{key}@{HOST}"
