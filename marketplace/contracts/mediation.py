"""A mediator in a dispute: a third organisation that both parties accept, which recommends how it should end.

The recommendation binds nobody: the parties end the dispute, as they would without it.
"""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now

from marketplace.contracts import queries
from marketplace.contracts.lifecycle import MediationEvent, MediationState, next_mediation_state
from marketplace.contracts.steps import add, bounded, take_turn, tell
from marketplace.groups import unrelated_to
from marketplace.models import Contract, Dispute, Mediation
from tenants.api import on_behalf_of, require
from tenants.data import Conflict, FieldError, Forbidden, Invalid
from tenants.models import Tenant


def mediators(contract: Contract) -> QuerySet[Tenant]:
    """Who may be proposed as a mediator."""
    return unrelated_to(contract.tenant_id, contract.firm_id)


def propose_mediator(*, contract: Contract, mediator_id: UUID) -> Mediation:
    """Either party names a third organisation; it sees nothing before the other one agrees."""
    by = require("manage_agreements")
    dispute = queries.dispute_now(contract)
    mediator = mediators(contract).filter(pk=mediator_id).first()
    if mediator is None:
        words = "name a third organisation that is listed, and of no group of companies with you or the other party"
        raise Invalid("Nobody can mediate.", (FieldError("/mediator", words),))
    take_turn(contract)
    if queries.live_mediation(dispute) is not None:
        raise Conflict("A mediator is proposed or sitting already.")
    named = {"mediator_id": mediator.pk, "mediator_name": mediator.name}
    mediation: Mediation = add(Mediation, contract, dispute=dispute, by_id=by.tenant_id, **named)
    tell("contract.mediator_proposed", contract, by=by.tenant_id, **_facts(mediation))
    return mediation


def agree_to_mediator(*, contract: Contract) -> Mediation:
    """The other party agrees: from this transaction on the mediator reads the dispute and what it rests on."""
    me = require("manage_agreements").tenant_id
    mediation = _proposed(contract)
    if mediation.by_id == me:
        raise Forbidden("You proposed this mediator; the other party agrees, or does not.")
    take_turn(contract)
    _move(mediation, MediationEvent.AGREE)
    tell("contract.mediator_agreed", contract, also=_them(mediation), by=me, **_facts(mediation))
    return mediation


def decline_mediator(*, contract: Contract) -> Mediation:
    """The other party refuses, or who proposed takes it back; either may propose another one."""
    me = require("manage_agreements").tenant_id
    mediation = _proposed(contract)
    take_turn(contract)
    _move(mediation, MediationEvent.DECLINE)
    tell("contract.mediator_declined", contract, by=me, **_facts(mediation))
    return mediation


def step_down(*, mediation: Mediation) -> None:
    """The mediator does not want to: it reads nothing of it any more."""
    me = require("manage_agreements").tenant_id
    contract = mediation.contract
    _move(mediation, MediationEvent.STEP_DOWN)
    tell("contract.mediator_declined", contract, also=_them(mediation), by=me, **_facts(mediation))


def recommend(*, mediation: Mediation, words: str) -> None:
    """The mediator says, once, how the dispute should end; it stands in the ledgers of all three."""
    require("manage_agreements")
    said = bounded(words, "words", is_needed=True)
    contract = mediation.contract
    _move(mediation, MediationEvent.RECOMMEND, recommendation=said, recommended_at=Now())
    tell("contract.mediator_recommended", contract, also=_them(mediation), words=said, **_facts(mediation))


def end_mediation(dispute: Dispute) -> frozenset[UUID]:
    """With the dispute. Returns the mediator, if one was sitting, who is told so."""
    mediation = queries.live_mediation(dispute)
    if mediation is None:
        return frozenset()
    told = _them(mediation) if mediation.state != MediationState.PROPOSED else frozenset()
    _move(mediation, MediationEvent.END)
    return told


def _proposed(contract: Contract) -> Mediation:
    mediation = queries.live_mediation(queries.dispute_now(contract))
    if mediation is None or mediation.state != MediationState.PROPOSED:
        raise Conflict("No mediator is proposed.")
    return mediation


def _move(mediation: Mediation, event: MediationEvent, **changes: Any) -> None:
    """A compare-and-set of its own, since the mediator does not know the version of the contract."""
    target = next_mediation_state(MediationState(mediation.state), event)
    with on_behalf_of(mediation.tenant_id):
        rows = Mediation.objects.filter(pk=mediation.pk, state=mediation.state)
        moved = rows.update(state=target.value, **changes)
    if not moved:
        raise Conflict("The mediation has changed since it was read; read it again.")
    mediation.state = target.value


def _them(mediation: Mediation) -> frozenset[UUID]:
    return frozenset({mediation.mediator_id})


def _facts(mediation: Mediation) -> dict[str, Any]:
    named = {"mediator": str(mediation.mediator_id), "mediator_name": mediation.mediator_name}
    return {"mediation": str(mediation.pk), **named}
