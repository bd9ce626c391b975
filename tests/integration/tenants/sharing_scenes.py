"""Agreements in one call, and further members, for tests of sharing."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tenants.actions import admit_member
from tenants.agreements import actions as agreeing
from tenants.agreements.writing import drafted
from tenants.context import as_platform
from tenants.data import Actor
from tenants.models import Agreement, Signature, User
from tests.personas import PASSWORD, Organisation


def now() -> datetime:
    return datetime.now(UTC)


def opened(
    owner: Organisation, partner: Organisation, *permissions: str, title: str = "Watch", **narrowed: Any
) -> Agreement:
    """An agreement in force on Aurora North, or on what `narrowed` names, with one clause."""
    place = narrowed.keys() & {"site", "equipment"}
    clause = {
        "permissions": list(permissions or ("view_alarms",)),
        "during": (now() - timedelta(minutes=1), None),
        **({} if place else {"site": owner.sites["north"]}),
        **narrowed,
    }
    with owner.acting():
        return agreeing.agree_by_offer(
            owner_id=owner.id, partner_id=partner.id, title=title, purpose="maintenance", clauses=[clause]
        )


def colleague(organisation: Organisation, *roles: str) -> Organisation:
    """The same organisation, for a further member of it."""
    with as_platform("tests", "admit a member"):
        user = User.objects.create_user(f"{uuid4().hex[:12]}@example.com", PASSWORD, name="Colleague")
        admit_member(tenant=organisation.tenant, user=user, roles=list(roles))
    return Organisation(organisation.tenant, user, organisation.sites, organisation.equipment)


def actor_of(organisation: Organisation, *roles: str, purpose: str = "") -> Actor:
    return Actor(organisation.id, organisation.user.pk, frozenset(roles or ("owner",)), "test:direct", purpose=purpose)


def ending(owner: Organisation, partner: Organisation, ends_at: datetime | None, clause: dict[str, Any]) -> Agreement:
    """As `opened`, signed by both, with an end of the agreement itself."""
    about = {"title": "Ends", "purpose": "maintenance", "ends_at": ends_at}
    with owner.acting():
        agreement = drafted(owner.id, partner.id, partner_name=partner.tenant.name, clauses=[clause], about=about)
        version = agreement.versions.get()
        keys = {"tenant_id": owner.id, "agreement": agreement, "version": version, "text_hash": version.text_hash}
        Signature.objects.bulk_create(
            Signature(**keys, party_id=party.id, user_name="", via="test") for party in (owner, partner)
        )
        agreeing.activate_agreement(agreement=agreement)
    return agreement
