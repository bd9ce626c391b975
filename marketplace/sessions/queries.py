"""The reads of remote sessions, under the open identity: the two parties of the contract see them, nobody else."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Prefetch, Q, QuerySet, Sum, Value

from marketplace.contracts.lifecycle import ContractState
from marketplace.models import Assignment, Contract, RemoteSession, SessionEntry
from marketplace.sessions.data import MINUTE
from marketplace.sessions.lifecycle import BEFORE_THE_START, LIVE, SessionState
from tenants.api import actor


def sessions() -> QuerySet[RemoteSession]:
    return RemoteSession.objects.select_related("contract__task", "contract__agreement")


def sessions_taken_part_in() -> QuerySet[RemoteSession]:
    """Of the actor's organisation, as buyer or as firm."""
    me = actor().tenant_id
    return sessions().filter(Q(tenant=me) | Q(firm=me))


def sessions_of(contract: Contract) -> QuerySet[RemoteSession]:
    """By number."""
    return sessions().filter(contract=contract).order_by("number")


def sessions_with_logs(contract: Contract) -> QuerySet[RemoteSession]:
    """By number, each with its log, oldest entry first."""
    return sessions_of(contract).prefetch_related(Prefetch("entries", SessionEntry.objects.order_by("pk")))


def notes() -> QuerySet[SessionEntry]:
    found = SessionEntry.objects.select_related("session__contract__task", "session__contract__agreement")
    return found.filter(kind=SessionEntry.Kind.NOTE)


def log_of(session: RemoteSession) -> QuerySet[SessionEntry]:
    return SessionEntry.objects.filter(session=session).order_by("pk")


def counted(session: RemoteSession) -> int:
    """The minutes that the log comes to."""
    return log_of(session).aggregate(sum=Sum("minutes"))["sum"] or 0


def standing_time(session: RemoteSession) -> SessionEntry:
    """The entry of its minutes that was not reversed."""
    return log_of(session).filter(kind=SessionEntry.Kind.TIME, reversals=None).get()


def names_of_experts(found: Iterable[RemoteSession]) -> dict[UUID, str]:
    """Assignment → the name of who is assigned; it is not there once the person is forgotten."""
    assigned = Assignment.objects.filter(pk__in={session.assignment_id for session in found})
    return dict(assigned.values_list("pk", "person_name"))


def running_of(expert_id: UUID) -> RemoteSession | None:
    """In the firm's name: what an expert is at."""
    return RemoteSession.objects.filter(firm=actor().tenant_id, expert_id=expert_id, state=SessionState.RUNNING).first()


def in_the_way(assignment_id: UUID, from_at: datetime, to_at: datetime) -> RemoteSession | None:
    """A session that is to be held in the same stretch of an assignment's time."""
    live = RemoteSession.objects.filter(assignment_id=assignment_id, state__in=LIVE)
    return live.filter(from_at__lt=to_at, to_at__gt=from_at).order_by("from_at").first()


def standing(contract: Contract) -> QuerySet[RemoteSession]:
    """Those of a contract that are to be held, or are being held."""
    return sessions().filter(contract=contract, state__in=LIVE).order_by("number")


def exhausted(now: datetime) -> QuerySet[RemoteSession]:
    """As the platform: those that nobody stopped before their ceiling."""
    longest = ExpressionWrapper(F("ceiling_min") * Value(MINUTE), DurationField())
    over_at = ExpressionWrapper(F("started_at") + longest, DateTimeField())
    return sessions().annotate(over_at=over_at).filter(state=SessionState.RUNNING, over_at__lte=now)


def lapsed(now: datetime) -> QuerySet[RemoteSession]:
    """As the platform: those that nobody started."""
    return sessions().filter(state__in=BEFORE_THE_START, to_at__lte=now)


def unanswered(now: datetime) -> QuerySet[RemoteSession]:
    """As the platform: those whose time for an objection is over, of contracts that are not in dispute."""
    over = sessions().filter(state=SessionState.ENDED, answer_until__lte=now)
    return over.exclude(contract__state=ContractState.DISPUTED)
