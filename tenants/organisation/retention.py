"""How long what is kept: rules as data, and the sweep of what is over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from tenants.models import FeedTicket, IdempotencyKey, WebhookDelivery

BATCH_ROWS: Final = 5000
DELIVERIES_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows of a closed organisation that stay for `days` after its closing (None: for ever), and why."""

    reason: str
    days: int | None = None


# What these rows refer to stays with them; everything else of a closed organisation is deleted.
KEPT: Final = {
    "tenants.Agreement": Kept("a contract, of which the other party holds a copy"),
    "tenants.AgreementVersion": Kept("the text of a contract"),
    "tenants.Clause": Kept("the text of a contract"),
    "tenants.Signature": Kept("evidence of consent to a contract"),
    "tenants.LedgerHead": Kept("the ledger is never cut: chains of other organisations are linked to it"),
    "tenants.LedgerEntry": Kept("the ledger is never cut: chains of other organisations are linked to it"),
    "tenants.Statement": Kept("accounts: ten years", days=3653),
    "tenants.RateAssignment": Kept("accounts: ten years", days=3653),
    "tenants.SharedRead": Kept("who was given data of others has to account for it: three years", days=1096),
    "marketplace.Claim": Kept("who did the work, of which the owner of the task holds no other record"),
    **{
        f"marketplace.{table}": Kept("accounts and evidence of a contract: ten years", days=3653)
        for table in (
            *("Contract", "Milestone", "Submission", "Inspection", "Receipt", "Invoice", "InvoiceLine"),
            *("JournalEntry", "JournalLine", "Dispute", "DisputeNote", "Mediation", "RemoteSession", "SessionEntry"),
        )
    },
    "marketplace.Bid": Kept("what was offered, of which the owner of the task holds no other record"),
    "marketplace.BidVersion": Kept("what was offered, of which the owner of the task holds no other record"),
    "marketplace.Complaint": Kept("what was said against an award, which the owner of the task had to decide"),
    "tenants.Closure": Kept("the receipt of what was deleted"),
}


@dataclass(frozen=True, slots=True)
class Over:
    """Rows that are of no use any more once their time is over."""

    what: str
    rows: Callable[[datetime], QuerySet[Any]]


OVER: Final = (
    Over("answers that a repeated request would get", lambda now: _answers(now - timedelta(hours=48))),
    Over("tickets to open a socket", lambda now: FeedTicket.objects.filter(expires_at__lt=now - timedelta(hours=1))),
    Over("what webhooks were sent", lambda now: _deliveries(now - timedelta(days=DELIVERIES_DAYS))),
    Over("sessions", lambda now: Session.objects.filter(expire_date__lt=now)),
    Over("what was noted of sessions that are gone", lambda now: _ended(now - timedelta(hours=1))),
)


def _answers(before: datetime) -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(created_at__lt=before)


def _ended(before: datetime) -> QuerySet[UserSession]:
    """Each user's own list drops them only when it is looked at."""
    return UserSession.objects.filter(created_at__lt=before).exclude(
        session_key__in=Session.objects.values("session_key")
    )


def _deliveries(before: datetime) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(sent_at__lt=before)


def sweep(now: datetime) -> int:
    """As the platform: delete what is over, at most a batch of each kind; returns how many rows."""
    return sum(_delete_some(each.rows(now)) for each in OVER)


def _delete_some(rows: QuerySet[Any]) -> int:
    some = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH_ROWS])
    return rows.model.objects.filter(pk__in=some).delete()[0] if some else 0
