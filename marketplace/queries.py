"""The reads of the marketplace, under the open identity."""

from datetime import datetime
from uuid import UUID

from django.db import connections
from django.db.models import Prefetch, QuerySet
from django.db.models.functions import Now

from marketplace.lifecycle import ClaimState, State
from marketplace.models import Claim, ServiceTask
from tenants.api import actor, opened

CURRENT = (ClaimState.LIVE, ClaimState.COMPLETED)


def tasks() -> QuerySet[ServiceTask]:
    """Every task the actor may read, each with its current claim where the actor is a party to it."""
    return ServiceTask.objects.prefetch_related(
        Prefetch("claims", Claim.objects.filter(state__in=CURRENT), to_attr="current_claims")
    )


def tasks_in(scope: str) -> QuerySet[ServiceTask]:
    """Tasks by `marketplace.data.SCOPES`: `own`, published by others (`market`), or `claimed` by the organisation."""
    me = actor().tenant_id
    match scope:
        case "own":
            return tasks().filter(tenant=me)
        case "market":
            return tasks().filter(state=State.OPEN).exclude(tenant=me)
        case _:
            return tasks().filter(pk__in=Claim.objects.filter(tenant=me).values("task"))


def lapsed_claims() -> QuerySet[Claim]:
    """Live claims whose lease is over by the database's clock; a submitted task's lease no longer runs."""
    return Claim.objects.filter(state=ClaimState.LIVE, lease_until__lte=Now(), task__state=State.CLAIMED)


def live_claim(task_id: UUID) -> Claim:
    return Claim.objects.select_related("task", "agreement").get(task=task_id, state=ClaimState.LIVE)


def database_time() -> datetime:
    """The clock by which deadlines are judged."""
    with connections[opened().alias].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
