"""The reads of the marketplace, under the open identity."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import (
    BooleanField,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Now

from marketplace.lifecycle import ClaimState, State
from marketplace.models import Claim, Contract, Profile, ServiceTask, TaskInvitation
from tenants.agreements.api import agreements
from tenants.api import actor, opened, tenants
from tenants.models import Site

CURRENT = (ClaimState.LIVE, ClaimState.COMPLETED)
OVER = (State.CLOSED, State.CANCELLED, State.UNSUCCESSFUL, State.TERMINATED)
UNFINISHED = tuple(state for state in State if state not in OVER)
AUDIENCE = 500


def tasks() -> QuerySet[ServiceTask]:
    """Every task the actor may read, each with its current claim where the actor is a party to it."""
    return ServiceTask.objects.prefetch_related(
        Prefetch("claims", Claim.objects.filter(state__in=CURRENT), to_attr="current_claims")
    )


def with_claim(task: ServiceTask) -> ServiceTask:
    """One task as `tasks` gives it; one that nobody has yet costs no look."""
    is_offered = task.state in (State.DRAFT, State.OPEN)
    task.current_claims = [] if is_offered else list(Claim.objects.filter(task=task.pk, state__in=CURRENT))
    return task


def tasks_in(scope: str) -> QuerySet[ServiceTask]:
    """Tasks by `marketplace.data.SCOPES`: `own`, published by others (`market`), the `work` that the organisation holds
    or held by a claim or a contract, or the part of it that it `claimed`."""
    me = actor().tenant_id
    claimed = Claim.objects.filter(tenant=me).values("task")
    match scope:
        case "own":
            return tasks().filter(tenant=me)
        case "market":
            return tasks().filter(state=State.OPEN).exclude(tenant=me)
        case "work":
            return tasks().filter(Q(pk__in=claimed) | Q(pk__in=Contract.objects.filter(firm=me).values("task")))
        case _:
            return tasks().filter(pk__in=claimed)


def audience_of(task: ServiceTask) -> frozenset[UUID]:
    """Own task: to whom it is visible while it is open, at most `AUDIENCE` of them: of a public task first those whose
    profile names its category, of them those that were there at its publication, then the newest."""
    match task.visibility:
        case "public":
            published_at = Value(task.published_at, DateTimeField())
            came_later = ExpressionWrapper(Q(created_at__gt=published_at), BooleanField())
            listed = tenants().filter(listed=True).order_by(_is_of_the_trade(task).desc(), came_later, "-pk")
            found = listed.values_list("pk", flat=True)
        case "invited":
            found = TaskInvitation.objects.filter(task=task).order_by("pk").values_list("firm", flat=True)
        case _:
            mine = agreements(status="active").filter(tenant=task.tenant_id).prefetch_related(None)
            found = mine.order_by("pk").values_list("partner", flat=True)
    return frozenset(found[:AUDIENCE])


def _is_of_the_trade(task: ServiceTask) -> Exists:
    """Whether the profile of an organisation names the category, as far as the owner may read it."""
    return Exists(Profile.objects.filter(tenant=OuterRef("pk"), categories__contains=[task.category]))


def told_tasks() -> Iterator[dict[str, Any]]:
    """Own tasks, then those of others that are in the hands of the organisation (by a claim, bid or contract), then the
    market's, unless they are over; as the bodies of their events."""
    others = tasks().exclude(tenant=actor().tenant_id)
    for found in (tasks_in("own"), others.exclude(state=State.OPEN), others.filter(state=State.OPEN)):
        for task in found.filter(state__in=UNFINISHED).order_by("-pk").iterator(chunk_size=100):
            yield facts_of(task, task.claim)


def facts_of(task: ServiceTask, claim: Claim | None) -> dict[str, Any]:
    """What events say of a task; `claim` only to its parties."""
    facts = {
        "task": str(task.pk),
        "title": task.title,
        "status": task.state,
        "category": task.category,
        "owner": str(task.tenant_id),
        "owner_name": task.snapshot["owner_name"],
        "equipment_code": task.snapshot["equipment_code"],
    }
    return facts if claim is None else facts | {"claimant": str(claim.tenant_id), "claimant_name": claim.firm_name}


def left_open(site: Site) -> Iterator[dict[str, Any]]:
    """What a shift's hand-over says of the own tasks of a site that are not over, newest first."""
    for task in tasks_in("own").filter(site=site, state__in=UNFINISHED).order_by("-pk").iterator(chunk_size=100):
        yield facts_of(task, task.claim)


def lapsed_claims() -> QuerySet[Claim]:
    """Live claims whose lease is over by the database's clock; a submitted task's lease no longer runs."""
    return Claim.objects.filter(state=ClaimState.LIVE, lease_until__lte=Now(), task__state=State.CLAIMED)


def unanswered_claims() -> QuerySet[Claim]:
    """Live claims whose owner has not answered the work in time, by the database's clock."""
    return Claim.objects.filter(state=ClaimState.LIVE, answer_until__lte=Now(), task__state=State.SUBMITTED)


def live_claim(task_id: UUID) -> Claim:
    return Claim.objects.select_related("task", "agreement").get(task=task_id, state=ClaimState.LIVE)


def database_time() -> datetime:
    """The clock by which deadlines are judged."""
    with connections[opened().alias].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
