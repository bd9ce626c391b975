"""The writes of agreements. Each runs in the caller's open transaction and announces in it.

Every step locks the agreement's row in the owner's name and asks `lifecycle` first: the two parties take turns.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from tenants import access
from tenants.agreements.call_offs import end_call_offs, refuse_without_framework, resume_call_offs, suspend_call_offs
from tenants.agreements.clauses import clauses_from, refuse_beyond, refuse_unnamed
from tenants.agreements.data import Heading
from tenants.agreements.grants import write_grants
from tenants.agreements.lifecycle import CONCLUDED, Side, State, Step, next_state, table_of
from tenants.agreements.steps import (
    locked_for,
    now,
    refresh_locked,
    refuse_unfit_end,
    set_columns,
    set_ended,
    side_of,
    state_now,
)
from tenants.agreements.telling import enter_step, tell, tell_rights
from tenants.agreements.writing import (
    Wishes,
    composed,
    composed_version,
    drafted,
    signature_of,
    who,
    write_in_force,
    write_version,
)
from tenants.context import on_behalf_of
from tenants.data import Conflict, FieldError, Invalid
from tenants.models import Agreement, AgreementVersion, Signature, Tenant
from tenants.names import names_of

Kind = Agreement.Kind


def draft_agreement(
    *,
    partner: Tenant,
    title: str,
    purpose: str,
    clauses: Wishes,
    kind: str = "bilateral",
    terms: str = "",
    ends_at: datetime | None = None,
    supersedes: Agreement | None = None,
) -> Agreement:
    """A draft, seen by the owner alone; each clause is {site | equipment, permissions, during: (from, to), …}.

    `kind` is bilateral or framework. `supersedes` is what it takes the place of, in the moment it comes into force.
    """
    owner = access.require("manage_agreements")
    if partner.pk == owner.tenant_id:
        raise Invalid("An agreement is between two organisations.", (FieldError("/partner", "name another one"),))
    if kind not in (Kind.BILATERAL, Kind.FRAMEWORK):
        raise Invalid("This kind can't be drafted.", (FieldError("/kind", "bilateral or framework"),))
    refuse_unfit_end(ends_at)
    if supersedes is not None:
        _refuse_replacing(supersedes, partner.pk, kind)
    about = {"kind": kind, "title": title, "purpose": purpose, "ends_at": ends_at, "supersedes": supersedes}
    return drafted(owner.tenant_id, partner.pk, partner_name=partner.name, terms=terms, clauses=clauses, about=about)


def propose_version(
    *, agreement: Agreement, answers: int, clauses: Wishes, terms: str = "", heading: Heading | None = None
) -> AgreementVersion:
    """Another version in the place of number `answers`: the owner's revised draft, or a counter-offer of either party.

    The partner's clauses are on places that an offered version names. Conflict if another version is on the table.
    """
    author = access.require("manage_agreements").tenant_id
    is_draft = agreement.status == State.DRAFT
    with on_behalf_of(agreement.tenant_id):
        target = locked_for(agreement, Step.REVISE if is_draft else Step.COUNTER, version=answers)
        rows = clauses_from(clauses)
        if author != agreement.tenant_id:
            refuse_unnamed(agreement, rows)
        if heading:
            refuse_unfit_end(heading.get("ends_at"))
        version = composed_version(
            agreement,
            number=agreement.version + 1,
            author_id=author,
            terms=terms,
            clauses=rows,
            heading=heading,
            offered_at=None if is_draft else now(),
        )
        write_version(version, rows)
        set_columns(agreement, status=target, version=version.number, **heading or {})
    if not is_draft:
        tell("agreement.countered", agreement)
    return version


def offer_agreement(*, agreement: Agreement) -> None:
    """Put the draft on the table: from now on the partner sees it, with this version and no earlier one."""
    access.require("manage_agreements")
    with on_behalf_of(agreement.tenant_id):
        target = locked_for(agreement, Step.OFFER)
        at = now()
        agreement.versions.filter(number=agreement.version).update(offered_at=at)
        set_columns(agreement, status=target, offered_at=at)
    tell("agreement.offered", agreement)


def accept_agreement(*, agreement: Agreement, version: int) -> None:
    """Agree to the other party's version, which from now on is the one to sign."""
    access.require("manage_agreements")
    with on_behalf_of(agreement.tenant_id):
        set_columns(agreement, status=locked_for(agreement, Step.ACCEPT, version=version))
    tell("agreement.accepted", agreement)


def sign_agreement(*, agreement: Agreement, version: int, text_hash: str) -> Signature:
    """The actor's party signs the text with this hash; the second signature brings the agreement into force."""
    signer = access.require("manage_agreements")
    with on_behalf_of(agreement.tenant_id):
        locked_for(agreement, Step.SIGN, version=version)
        signed = agreement.versions.get(number=version)
        if text_hash != signed.text_hash:
            raise Invalid(
                "This is not the hash of what is to be signed.", (FieldError("/text_hash", signed.text_hash),)
            )
        parties = set(agreement.signatures.filter(version=signed).values_list("party", flat=True))
        if signer.tenant_id in parties:
            raise Conflict(f"Your organisation has signed version {version} already.")
        signature = signature_of(signed, signer.tenant_id, *who())
        signature.save(force_insert=True)
    tell("agreement.signed", agreement)
    enter_step("signed", agreement)
    if parties:
        activate_agreement(agreement=agreement)
    return signature


def call_off(
    *,
    framework: Agreement,
    title: str,
    purpose: str,
    clauses: Wishes,
    terms: str = "",
    ends_at: datetime | None = None,
) -> Agreement:
    """An agreement within an active framework's limits, in force at once: what both have signed is the framework.

    Either party may call off. Invalid names each clause that goes beyond, and which limit it passes.
    """
    author = access.require("manage_agreements").tenant_id
    with on_behalf_of(framework.tenant_id):
        refresh_locked(framework)
        state = state_now(framework)
        if framework.kind != Kind.FRAMEWORK or state != State.ACTIVE:
            raise Conflict(f"Only an active framework can be called on; this is a {framework.kind}, {state}.")
        last = framework.ends_at
        if last is not None and (ends_at is None or ends_at > last):
            raise Invalid(
                "It would outlast its framework.", (FieldError("/ends_at", f"end by {last:%Y-%m-%d %H:%M} UTC"),)
            )
        refuse_unfit_end(ends_at)
        about = {"kind": Kind.CALL_OFF, "title": title, "purpose": purpose, "ends_at": ends_at, "framework": framework}
        made = drafted(
            framework.tenant_id,
            framework.partner_id,
            partner_name=framework.partner_name,
            author_id=author,
            terms=terms,
            clauses=clauses,
            about=about,
        )
        refuse_beyond(framework, list(made.clauses.order_by("pk")))
    activate_agreement(agreement=made)
    return made


def agree_by_offer(
    *,
    owner_id: UUID,
    partner_id: UUID,
    title: str,
    purpose: str,
    clauses: Wishes,
    offered_by: UUID | None = None,
    framework: Agreement | None = None,
    partner_name: str = "",
) -> Agreement:
    """The agreement that follows from an owner's published offer once the partner takes it up, in force at once.

    The offer is the owner's signature, given by `offered_by`; taking it up is the partner's. The caller has verified
    the offer. With a `framework` of these two it is a call-off, within its limits and no longer than it. The partner's
    name is looked up under the open identity, unless it is given.
    """
    partner_name = partner_name or Tenant.objects.get(pk=partner_id).name
    with on_behalf_of(owner_id):
        names, rows = names_of(owner_id, offered_by), clauses_from(clauses)
        about: dict[str, Any] = {"title": title, "purpose": purpose}
        if framework is not None:
            about |= {"kind": Kind.CALL_OFF, "framework": framework, "ends_at": framework.ends_at}
        agreement = composed(owner_id, partner_id, names.organisation, partner_name, about)
        version = composed_version(agreement, number=1, author_id=owner_id, clauses=rows)
        if framework is not None:
            refuse_without_framework(agreement)
            refuse_beyond(framework, rows)
        by_offer = signature_of(version, owner_id, offered_by, "offer", names.user)
        claimant = who() if side_of(agreement) == Side.PARTNER else (None, "claim", "")
        target = next_state(table_of(agreement.kind), State.DRAFT, Step.ACTIVATE, side_of(agreement))
        write_in_force(version, rows, [by_offer, signature_of(version, partner_id, *claimant)], target)
    tell_rights("activated", agreement, version.text_hash)
    return agreement


def activate_agreement(*, agreement: Agreement) -> int:
    """Bring into force what its parties have signed, a framework covers or a statute demands; tell both parties.

    Writes the grants and returns how many; what it supersedes ends in the same moment.
    """
    with on_behalf_of(agreement.tenant_id):
        target = locked_for(agreement, Step.ACTIVATE)
        if agreement.supersedes is not None:
            _replace(agreement.supersedes)
        written = _put_in_force(agreement, target)
    tell_rights("activated", agreement)
    return written


def _put_in_force(agreement: Agreement, target: State) -> int:
    """Status, times and grants of an agreement whose time has come; a framework opens nothing itself."""
    at = now()
    agreement.versions.filter(number=agreement.version, offered_at=None).update(offered_at=at)
    set_columns(agreement, status=target, activated_at=at, offered_at=agreement.offered_at or at)
    if agreement.kind == Kind.FRAMEWORK:
        return 0
    return write_grants(agreement, agreement.clauses.filter(version__number=agreement.version))


def suspend_agreement(*, agreement: Agreement) -> None:
    """Close what the agreement opens, for now: the rows stay, and the policy hides them at once; call-offs follow."""
    access.require("manage_agreements")
    with on_behalf_of(agreement.tenant_id):
        target = locked_for(agreement, Step.SUSPEND)
        followed = suspend_call_offs(agreement)
        set_columns(agreement, status=target)
    for each in (agreement, *followed):
        tell_rights("suspended", each)


def resume_agreement(*, agreement: Agreement) -> None:
    """Open it again, with those call-offs that its own suspension closed."""
    access.require("manage_agreements")
    with on_behalf_of(agreement.tenant_id):
        refuse_without_framework(agreement)
        set_columns(agreement, status=locked_for(agreement, Step.RESUME), suspended_with_framework=False)
        followed = resume_call_offs(agreement)
    for each in (agreement, *followed):
        tell_rights("resumed", each)


def terminate_agreement(*, agreement: Agreement, reason: str) -> None:
    """A party withdraws, declines or terminates, as it stands."""
    access.require("manage_agreements")
    end_agreement(agreement=agreement, reason=reason)


def end_agreement(*, agreement: Agreement, reason: str) -> None:
    """End it for good: its grants are gone with this transaction. Either party may, in the owner's name.

    The call-offs of a framework end with it.
    """
    with on_behalf_of(agreement.tenant_id):
        followed = _end(agreement, Step.TERMINATE, reason)
    if agreement.activated_at is None:
        tell("agreement.declined", agreement)
        return
    for each in (agreement, *followed):
        tell_rights("ended", each)


def _replace(old: Agreement) -> None:
    """What is superseded ends; if it has ended otherwise since, nothing takes its place."""
    for each in (old, *_end(old, Step.SUPERSEDE, "superseded")):
        tell_rights("superseded", each)


def _refuse_replacing(old: Agreement, partner_id: UUID, kind: str) -> None:
    same = (old.partner_id, old.kind) == (partner_id, kind) and old.tenant_id == access.actor().tenant_id
    if not same or old.activated_at is None or state_now(old) not in CONCLUDED:
        words = "name one of yours with the same partner and of the same kind, that is active, suspended or expired"
        raise Invalid("It can't take the place of that agreement.", (FieldError("/supersedes", words),))


def _end(agreement: Agreement, step: Step, reason: str) -> list[Agreement]:
    """Returns the call-offs that ended with it."""
    target = locked_for(agreement, step)
    followed = end_call_offs(agreement, target, reason)
    set_ended(agreement, target, reason)
    return followed
