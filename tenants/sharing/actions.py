"""Who in the partner uses what an agreement opens: set and cleared by the partner's administrator."""

from collections.abc import Collection
from uuid import UUID

from django.db.models.functions import Now

from tenants import access, queries
from tenants.bus import announce_rights
from tenants.data import FieldError, Invalid
from tenants.ledger.actions import enter
from tenants.models import Agreement, Delegation
from tenants.roles import ROLES


def delegate(*, agreement: Agreement, roles: Collection[str], members: Collection[UUID]) -> Delegation:
    """From the commit on these roles and these members (users) use the agreement, and nobody else; none: nobody."""
    administrator = access.require("manage_members")
    _check_roles(roles)
    _check_members(members)
    delegation, _ = Delegation.objects.update_or_create(
        tenant_id=administrator.tenant_id,
        agreement=agreement,
        defaults={
            "owner_id": agreement.tenant_id,
            "roles": sorted(set(roles)),
            "members": sorted(set(members)),
            "set_by_id": administrator.user_id,
            "set_at": Now(),
        },
    )
    _announce(agreement, {"roles": delegation.roles, "members": delegation.members})
    return delegation


def clear_delegation(*, agreement: Agreement) -> None:
    """Every member uses it again, as far as their role goes."""
    access.require("manage_members")
    removed, _ = Delegation.objects.filter(agreement=agreement).delete()
    if removed:
        _announce(agreement, {"everybody": True})


def _check_roles(roles: Collection[str]) -> None:
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise Invalid(f"Unknown role {unknown[0][:40]!r}.", (FieldError("/roles", f"use {', '.join(ROLES)}"),))


def _check_members(users: Collection[UUID]) -> None:
    known = set(queries.members().filter(user__in=users).values_list("user", flat=True))
    strangers = sorted(set(users) - known)
    if strangers:
        raise Invalid(
            "Agreements are delegated to members of your organisation.",
            (FieldError("/members", f"{strangers[0]} is not a member; use the ids of users"),),
        )


def _announce(agreement: Agreement, used_by: dict[str, object]) -> None:
    payload = {"title": agreement.title, **used_by}
    enter(kind="delegation.changed", subject=agreement.pk, payload=payload)
    announce_rights("rights.delegation_changed", {"agreement": str(agreement.pk), "title": agreement.title})
