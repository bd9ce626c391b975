"""The reads of profiles and matches, under the open identity."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Avg, Count, QuerySet

from marketplace.contracts.lifecycle import ContractState
from marketplace.lifecycle import ClaimState
from marketplace.models import Claim, Contract, Expert, Profile, Reference, ServiceTask, TaskNeed
from marketplace.profiles import matching
from marketplace.profiles.data import NeedTerms, Paper, RateLine
from marketplace.profiles.matching import Fit, Offer, Work
from marketplace.queries import database_time, tasks_in
from tenants.api import actor, sisters, tenants
from tenants.models import Booking, Person
from tenants.resources.api import active_persons, bookings

MOST_TASKS = 200
MOST_PROFILES = 500
MOST_SHOWN = 50
MOST_OWN_PEOPLE = 2_000
MOST_REFERENCES = 10
DONE = (ContractState.FULFILLED, ContractState.CLOSED)

Window = tuple[datetime, datetime]


class TaskMatch(NamedTuple):
    task: ServiceTask
    fit: Fit


class FirmMatch(NamedTuple):
    profile: Profile
    fit: Fit


def own_profile() -> Profile | None:
    return next(iter(rated(Profile.objects.filter(tenant=actor().tenant_id))), None)


def profiles() -> QuerySet[Profile]:
    """What other organisations say of themselves, as far as they show it to the actor's."""
    return Profile.objects.exclude(tenant=actor().tenant_id)


def rated(found: Iterable[Profile]) -> list[Profile]:
    """Each with `stars`, the mean of what buyers gave (None without any), and `ratings_n`; with `group_name`, the group
    of companies it is listed in, and whether that is the actor's own (`is_sister`)."""
    rows, me = list(found), actor().tenant_id
    groups = dict(tenants().filter(pk__in={me, *(row.tenant_id for row in rows)}).values_list("pk", "group_name"))
    given = Reference.objects.filter(tenant__in=[row.tenant_id for row in rows]).order_by().values_list("tenant")
    known = {firm: (mean, n) for firm, mean, n in given.annotate(Avg("stars"), Count("pk"))}
    for row in rows:
        row.stars, row.ratings_n = known.get(row.tenant_id, (None, 0))
        row.group_name = groups.get(row.tenant_id, "")
        row.is_sister = row.tenant_id != me and row.group_name != "" and row.group_name == groups[me]
    return rows


def references_of(profile: Profile) -> QuerySet[Reference]:
    """The newest of what buyers said of the firm."""
    return Reference.objects.filter(tenant=profile.tenant_id).order_by("-shown_at", "-pk")[:MOST_REFERENCES]


def own_experts() -> QuerySet[Expert]:
    return Expert.objects.filter(tenant=actor().tenant_id).select_related("person")


def experts_of(profile: Profile) -> QuerySet[Expert]:
    """Those shown in it, the longest published first."""
    return Expert.objects.filter(tenant=profile.tenant_id).order_by("pk")


def needs_of(task: ServiceTask) -> QuerySet[TaskNeed]:
    return TaskNeed.objects.filter(task=task).order_by("pk")


def window_of(task: ServiceTask, now: datetime) -> Window:
    """From when to when the work would be, if somebody took the task now or as soon as its bids are in."""
    due_d = [milestone["due_d"] for milestone in task.milestones]
    begins_at = max(now, task.bids_until or now)
    return matching.window_of(begins_at, access_h=task.access_h, standstill_h=task.standstill_h, due_d=due_d)


def tasks_for_me() -> list[TaskMatch]:
    """The newest tasks of the market, those that fit the actor's organisation best first."""
    others = tasks_in("market").exclude(tenant__in=sisters())
    tasks = list(others.prefetch_related("needs").order_by("-pk")[:MOST_TASKS])
    now = database_time()
    windows = {task.pk: window_of(task, now) for task in tasks}
    people = _People(windows.values()) if actor().can("view_resources") else None
    mine, done = own_profile(), _work_accepted()
    found = []
    for task in tasks:
        offer = _own_offer(mine, people, windows[task.pk], done[task.category])
        found.append(TaskMatch(task, matching.fit(_work(task, windows[task.pk]), offer)))
    return sorted(found, key=lambda match: -match.fit.score)


def firms_for(task: ServiceTask) -> list[FirmMatch]:
    """Firms whose profile the owner of a task may read, those that fit best first; of very many those that changed it
    last."""
    others = Profile.objects.exclude(tenant=task.tenant_id).exclude(tenant__in=sisters())
    fitting = others.filter(categories__contains=[task.category]).order_by("-updated_at", "pk")[:MOST_PROFILES]
    work, done = _work(task, window_of(task, database_time())), _work_done_for(task)
    shown = rated(fitting)
    experts = _experts_by_firm([profile.tenant_id for profile in shown])
    found = [
        FirmMatch(each, matching.fit(work, _offer(each, experts.get(each.tenant_id, ()), done[each.tenant_id])))
        for each in shown
    ]
    return sorted(found, key=lambda match: (-match.fit.score, match.profile.firm_name))[:MOST_SHOWN]


def _work(task: ServiceTask, window: Window) -> Work:
    needs = tuple(NeedTerms(row.people_n, row.skill, row.level, row.certificate) for row in task.needs.all())
    return Work(
        category=task.category,
        first=window[0].astimezone(UTC).date(),
        last=window[1].astimezone(UTC).date(),
        country=task.snapshot.get("site_country") or "",
        equipment_kind=task.snapshot["equipment_kind"] or "",
        needs=needs,
        fee_minor=task.fee_minor,
        currency=task.currency,
    )


def _own_offer(mine: Profile | None, people: "_People | None", window: Window, accepted_n: int) -> Offer:
    """What the own organisation has: its people as registered, or as published for a role that may not see them."""
    said: dict[str, Any] = {"accepted_n": accepted_n} | (_said(mine) if mine else {})
    if people is None:
        return Offer(**said, experts=tuple(map(_expert, own_experts())))
    return Offer(**said, experts=people.experts(window), knows_calendar=True)


def _offer(profile: Profile, experts: Iterable[Expert], accepted_n: int) -> Offer:
    return Offer(**_said(profile), experts=tuple(map(_expert, experts)), accepted_n=accepted_n)


def _said(profile: Profile) -> dict[str, Any]:
    """Of one that is `rated`."""
    return {
        "stars": profile.stars,
        "ratings_n": profile.ratings_n,
        "categories": frozenset(profile.categories),
        "regions": frozenset(profile.regions),
        "machines": frozenset(line["kind"] for line in profile.machines),
        "papers": tuple(map(Paper.of, profile.certificates)),
        "rates": tuple(RateLine(**line) for line in profile.rates),
    }


def _expert(row: Expert) -> matching.Expert:
    return matching.Expert(row.levels, tuple(map(Paper.of, row.papers)))


def _experts_by_firm(firm_ids: list[UUID]) -> dict[UUID, list[Expert]]:
    found: dict[UUID, list[Expert]] = {}
    for row in Expert.objects.filter(tenant__in=firm_ids).order_by("pk"):
        found.setdefault(row.tenant_id, []).append(row)
    return found


def _work_accepted() -> Counter[str]:
    """How many tasks of each category the actor's organisation has done, to their owners' satisfaction."""
    me = actor().tenant_id
    claimed = Claim.objects.filter(tenant=me, state=ClaimState.COMPLETED).values_list("task", "task__category")
    contracted = Contract.objects.filter(firm=me, state__in=DONE).values_list("task", "task__category")
    return Counter(dict([*claimed, *contracted]).values())


def _work_done_for(task: ServiceTask) -> Counter[UUID]:
    """How many tasks of this category each firm has done for the task's owner."""
    alike = {"task__category": task.category}
    claims = Claim.objects.filter(owner=task.tenant_id, state=ClaimState.COMPLETED, **alike)
    contracts = Contract.objects.filter(tenant=task.tenant_id, state__in=DONE, **alike)
    done = [*claims.values_list("task", "tenant"), *contracts.values_list("task", "firm")]
    return Counter(dict(done).values())  # an accepted claim is a contract, too


class _People:
    """The own people with what they are booked for in any of the windows, read once."""

    def __init__(self, windows: Iterable[Window]) -> None:
        spans = list(windows)
        people = active_persons(datetime.now(UTC).date()).prefetch_related("certificates").order_by("pk")
        self.people = list(people[:MOST_OWN_PEOPLE])
        self.booked: dict[UUID, list[Booking]] = {}
        if spans:
            begins_at, ends_at = min(span[0] for span in spans), max(span[1] for span in spans)
            for row in bookings(from_at=begins_at, to_at=ends_at).exclude(person=None):
                self.booked.setdefault(row.person_id, []).append(row)
        self.held = [(person.pk, levels_of(person), papers_of(person)) for person in self.people]

    def experts(self, window: Window) -> tuple[matching.Expert, ...]:
        return tuple(matching.Expert(levels, papers, self._is_free(key, window)) for key, levels, papers in self.held)

    def _is_free(self, person_id: UUID, window: Window) -> bool:
        begins_at, ends_at = window
        booked = self.booked.get(person_id, ())
        return not any(row.during.lower < ends_at and row.during.upper > begins_at for row in booked)


def levels_of(person: Person) -> dict[str, int]:
    """Level by the lower-case code of the skill: codes are compared without case."""
    return {held.skill.code.lower(): held.level for held in person.skills.all()}


def papers_of(person: Person) -> tuple[Paper, ...]:
    return tuple(Paper(held.kind, held.issued_on, held.expires_on, held.issuer) for held in person.certificates.all())
