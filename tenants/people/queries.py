"""The reads about people, under the open identity."""

from datetime import UTC, datetime
from typing import Final

from django.db.models import Q, QuerySet

from tenants import access
from tenants.context import presenting
from tenants.models import ApiKey, Invitation, ServiceAccount, User
from tenants.secrets import hash_secret

# How keys stand, as a list of them may be asked for.
STATES: Final = ("open", "expired", "revoked")


def invitations() -> QuerySet[Invitation]:
    rows = Invitation.objects.filter(tenant=access.actor().tenant_id)
    return rows.select_related("invited_by", "accepted_by")


def open_invitations() -> QuerySet[Invitation]:
    return invitations().filter(accepted_at=None, revoked_at=None)


def service_accounts() -> QuerySet[ServiceAccount]:
    return ServiceAccount.objects.filter(tenant=access.actor().tenant_id).select_related("user", "created_by")


def keys_in(keys: QuerySet[ApiKey], state: str) -> QuerySet[ApiKey]:
    """Those of `keys` that stand so."""
    now = datetime.now(UTC)
    standing = {
        "open": Q(revoked_at=None, expires_at__gt=now),
        "expired": Q(revoked_at=None, expires_at__lte=now),
        "revoked": Q(revoked_at__isnull=False),
    }
    return keys.filter(standing[state])


def invitation_of(token: str) -> Invitation | None:
    """The invitation that this token still accepts, in a transaction that presents it."""
    rows = Invitation.objects.filter(token_hash=hash_secret(token)).select_related("tenant")
    return still_open(rows).first()


def still_open(rows: QuerySet[Invitation]) -> QuerySet[Invitation]:
    return rows.filter(accepted_at=None, revoked_at=None, expires_at__gt=datetime.now(UTC))


def person_of(email: str) -> User | None:
    """The person with that address, who may be unknown to the organisation that asks."""
    with presenting(credential=email):
        return User.objects.filter(email=email, service_of=None).first()
