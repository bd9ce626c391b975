"""Who joins an organisation, in which roles, and who leaves it. Each runs in the caller's open transaction."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from tenants import access
from tenants.actions import admit_member
from tenants.bus import announce_rights
from tenants.context import on_behalf_of
from tenants.data import Actor, Conflict, FieldError, Forbidden, Invalid, NotFound
from tenants.ledger.actions import enter
from tenants.models import Invitation, Membership, ServiceAccount, User, new_id
from tenants.people.queries import invitation_of, person_of, still_open
from tenants.queries import api_keys, members, partner_group
from tenants.roles import ROLES, capabilities_of
from tenants.secrets import hash_secret, new_secret

INVITED_FOR: Final = timedelta(days=7)
OWNER: Final = "owner"
GONE: Final = "This invitation is unknown, used, withdrawn or expired. Ask your organisation for a new one."


def invite_member(*, email: str, roles: list[str]) -> tuple[Invitation, str]:
    """Ask a person in; returns the row and the token, which goes to that person's mailbox and nowhere else.

    Whoever holds the token becomes that person for every organisation, so an inviter never sees it.
    """
    inviter = access.require("manage_members")
    address = email.strip().lower()
    _require_givable(inviter, roles)
    if members().filter(user__email=address).exists():
        raise Conflict("This person is a member already; change their roles instead.")
    Invitation.objects.filter(tenant=inviter.tenant_id, email=address, accepted_at=None, revoked_at=None).update(
        revoked_at=datetime.now(UTC)
    )
    token = new_secret("cmi")
    invitation = Invitation.objects.create(
        tenant_id=inviter.tenant_id,
        email=address,
        roles=sorted(set(roles)),
        token_hash=hash_secret(token),
        invited_by_id=inviter.user_id,
        expires_at=datetime.now(UTC) + INVITED_FOR,
    )
    return invitation, token


def revoke_invitation(*, invitation: Invitation) -> None:
    open_rows = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    if not open_rows.update(revoked_at=datetime.now(UTC)):
        raise Conflict("This invitation was accepted or withdrawn already.")


def accept_invitation(*, token: str, person: User | None = None, name: str = "", password: str = "") -> User:
    """Join as the signed-in `person`, or as a new one. The transaction presents the token's hash.

    Of two that accept at the same time one waits for the row and then finds the invitation used.
    """
    invitation = invitation_of(token)
    if invitation is None:
        raise NotFound(GONE)
    if person is not None and person.email != invitation.email:
        raise Forbidden(f"This invitation is for {invitation.email}. Sign out, and in as that person.")
    if person is None and person_of(invitation.email) is not None:
        raise Conflict("You have an account already: sign in with it to accept.")
    with on_behalf_of(invitation.tenant_id):
        if still_open(Invitation.objects.select_for_update().filter(pk=invitation.pk)).first() is None:
            raise NotFound(GONE)
        joining = person or User.objects.create_user(invitation.email, password, name=name)
        admit_member(tenant=invitation.tenant, user=joining, roles=invitation.roles)
        Invitation.objects.filter(pk=invitation.pk).update(accepted_at=datetime.now(UTC), accepted_by=joining)
    announce_rights("rights.member_joined", {"member": str(joining.pk)}, frozenset({invitation.tenant_id}))
    return joining


def change_roles(*, membership: Membership, roles: list[str]) -> None:
    """From the commit on, the member's sessions, keys and sockets have the rights of these roles."""
    actor = access.require("manage_members")
    _require_givable(actor, roles)
    _require_givable(actor, membership.roles)
    if OWNER in membership.roles and OWNER not in roles:
        _keep_an_owner(membership)
    if OWNER in roles and membership.user.service_of_id is not None:
        raise Invalid("A program can't own an organisation.", (FieldError("/roles", "leave out 'owner'"),))
    Membership.objects.filter(pk=membership.pk).update(roles=sorted(set(roles)))
    _enter("roles_changed", membership.user, membership.tenant_id, before=membership.roles, roles=sorted(set(roles)))
    announce_rights("rights.member_changed", {"member": str(membership.user_id), "roles": sorted(set(roles))})


def remove_member(*, membership: Membership) -> None:
    """The person keeps their account and what they did stays theirs; they see nothing of the organisation any more."""
    actor = access.require("manage_members")
    _require_givable(actor, membership.roles)
    if OWNER in membership.roles:
        _keep_an_owner(membership)
    api_keys().filter(user=membership.user_id, revoked_at=None).update(revoked_at=datetime.now(UTC))
    membership.user.groups.remove(partner_group(actor.tenant_id))
    membership.delete()
    _enter("removed", membership.user, membership.tenant_id, before=membership.roles)
    announce_rights("rights.member_removed", {"member": str(membership.user_id)})


def found_service_account(*, name: str, roles: list[str], purpose: str = "") -> ServiceAccount:
    """A program as a member of the actor's organisation; give it keys with `tenants.actions.make_api_key`."""
    maker = access.require("manage_members")
    if OWNER in roles:
        raise Invalid("A program can't own an organisation.", (FieldError("/roles", "leave out 'owner'"),))
    _require_givable(maker, roles)
    key = new_id()
    # The domain is reserved (RFC 2606), so no mailbox and no single sign-on can ever claim the address.
    user = User.objects.create_user(f"{key}@programs.invalid", id=key, name=name, service_of_id=maker.tenant_id)
    account = ServiceAccount.objects.create(
        tenant_id=maker.tenant_id, user=user, purpose=purpose, created_by_id=maker.user_id
    )
    admit_member(tenant=account.tenant, user=user, roles=roles)
    _enter("joined", user, maker.tenant_id, roles=roles, program=account.pk)
    return account


def retire_service_account(*, account: ServiceAccount) -> None:
    """The program is no member any more and its keys are revoked; its name stays in what it did."""
    if not ServiceAccount.objects.filter(pk=account.pk, retired_at=None).update(retired_at=datetime.now(UTC)):
        raise Conflict("This service account is retired already.")
    remove_member(membership=members().get(user=account.user_id))


def _enter(what: str, member: User, tenant_id: UUID, **payload: object) -> None:
    enter(kind=f"member.{what}", subject=member.pk, payload={"name": member.name, **payload}, with_tenants={tenant_id})


def _require_givable(actor: Actor, roles: list[str]) -> None:
    """Nobody gives, changes or takes away a role that allows more than they may do themselves."""
    unknown = sorted(set(roles) - set(ROLES))
    if unknown or not roles:
        problem = f"There is no role {unknown[0]!r}." if unknown else "A member needs a role."
        raise Invalid(problem, (FieldError("/roles", f"use {', '.join(ROLES)}"),))
    beyond = sorted(right for right in capabilities_of(frozenset(roles)) if not actor.can(right))
    if beyond:
        raise Invalid(f"A role includes {beyond[0]!r}, which you lack.", (FieldError("/roles", "not yours to give"),))


def _keep_an_owner(leaving: Membership) -> None:
    """Refuse if nobody else owns the organisation. Its owners are locked: of two that leave at once, one stays."""
    owners = Membership.objects.filter(tenant=leaving.tenant_id, roles__contains=[OWNER], user__is_active=True)
    locked = list(owners.select_for_update(of=("self",)).order_by("pk"))
    if not any(owner.pk != leaving.pk for owner in locked):
        raise Conflict("An organisation keeps one owner at least: make somebody else an owner first.")
