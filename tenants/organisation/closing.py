"""Closing an organisation: asked for by its owner, taken back until the grace period is over, then purged."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Q

from tenants import access
from tenants.agreements.actions import end_agreement
from tenants.agreements.lifecycle import FINAL
from tenants.bus import announce_rights
from tenants.data import Conflict, FieldError, Invalid
from tenants.ledger.actions import enter
from tenants.models import Agreement, ApiKey, Closure, Tenant
from tenants.organisation.exports import NEEDS

REASON = "the organisation is closing"


def request_closure(*, slug: str, reason: str) -> Closure:
    """From the commit on only owners act here, to export or to take it back; agreements end, and partners are told.

    `slug` is the organisation's own, typed to show that it is meant. Machines go on delivering readings, so that a
    closing that is taken back has lost none.
    """
    owner = access.require(NEEDS)
    organisation = Tenant.objects.get(pk=owner.tenant_id)
    if slug != organisation.slug:
        raise Invalid("This is not the short name of your organisation.", (FieldError("/slug", "type it to confirm"),))
    if organisation.closing_at is not None:
        raise Conflict("The organisation is closing already.")
    now = datetime.now(UTC)
    _end_agreements(owner.tenant_id)
    ApiKey.objects.filter(tenant=owner.tenant_id, revoked_at=None).update(revoked_at=now)
    closure = Closure.objects.create(
        tenant_id=owner.tenant_id,
        requested_by_id=owner.user_id,
        reason=reason,
        was_listed=organisation.listed,
        purge_after=now + timedelta(days=settings.CLOSING_GRACE_DAYS),
    )
    Tenant.objects.filter(pk=owner.tenant_id).update(closing_at=now, listed=False)
    announce_rights("rights.organisation_closing", {"organisation": str(owner.tenant_id)})
    enter(kind="organisation.closing", subject=closure.pk, payload={"reason": reason})
    closure.refresh_from_db()
    return closure


def withdraw_closure(*, closure: Closure) -> None:
    """The members act again; agreements that have ended and keys that were revoked stay so."""
    owner = access.require(NEEDS)
    withdrawn = Closure.objects.filter(
        pk=closure.pk, withdrawn_at=None, purged_at=None, purge_after__gt=datetime.now(UTC)
    ).update(withdrawn_at=datetime.now(UTC))
    if not withdrawn:
        raise Conflict("The closing can't be taken back any more.")
    Tenant.objects.filter(pk=owner.tenant_id).update(closing_at=None, listed=closure.was_listed)
    announce_rights("rights.organisation_reopened", {"organisation": str(owner.tenant_id)})
    enter(kind="organisation.reopened", subject=closure.pk, payload={})
    closure.refresh_from_db()


def _end_agreements(tenant_id: object) -> None:
    """All but mandates on the organisation itself, which stand until the regulator, the platform or the purge.

    Frameworks come last, since a call-off that ended with its framework could not be ended again.
    """
    standing = Agreement.objects.filter(Q(tenant=tenant_id) | Q(partner=tenant_id)).exclude(status__in=FINAL)
    others = standing.exclude(tenant=tenant_id, kind=Agreement.Kind.MANDATE)
    for agreement in sorted(others, key=lambda each: each.kind == Agreement.Kind.FRAMEWORK):
        end_agreement(agreement=agreement, reason=REASON)
