"""What tests of contracts begin with: a contract between Aurora and a firm, somewhere on its way."""

from datetime import UTC, datetime, timedelta
from typing import Any

from marketplace.contracts import access, actions, disputes, mediation, settlement
from marketplace.contracts.settlement import Billed
from marketplace.models import Contract, Dispute, Invoice, Milestone, ServiceTask
from tenants.models import FeedEvent
from tests.integration.marketplace import scenes
from tests.personas import Organisation

THIRDS = [
    {"title": "Survey", "share_bp": 3_333, "due_d": 2},
    {"title": "Bearing", "share_bp": 3_333, "due_d": 5},
    {"title": "Report", "share_bp": 3_334, "due_d": 9},
]
PRICE = 250_001
WAY = ("open", "evaluating", "awarded", "contracted")


def awarded(owner: Organisation, **terms: Any) -> ServiceTask:
    """A task whose quotation was won, as bids leave it."""
    asked = {"mode": "quotation", "bids_until": datetime.now(UTC) + timedelta(days=1), "milestones": THIRDS}
    with owner.acting():
        task = scenes.actions.post_task(terms=scenes.terms(), equipment_id=owner.equipment["PUMP-07"].pk)
        ServiceTask.objects.filter(pk=task.pk).update(**asked | terms)
        for state in WAY:
            ServiceTask.objects.filter(pk=task.pk).update(state=state)
        task.refresh_from_db()
    return task


def written(owner: Organisation, firm: Organisation, price_minor: int = PRICE, **terms: Any) -> Contract:
    task = awarded(owner, **terms)
    with owner.acting():
        return actions.write_contract(task=task, firm_id=firm.id, price_minor=price_minor, currency="USD")


def contract_seen(party: Organisation, contract: Contract) -> Contract:
    with party.acting():
        return access.get_contract(contract.pk)


def milestone(contract: Contract, number: int = 1) -> Milestone:
    """To be called under an identity."""
    return access.get_milestone(Milestone.objects.get(contract=contract, number=number).pk)


def submitted(firm: Organisation, contract: Contract, number: int = 1) -> None:
    with firm.acting():
        actions.submit_milestone(milestone=milestone(contract, number), note="done")


def accepted(owner: Organisation, firm: Organisation, contract: Contract, *numbers: int) -> None:
    for number in numbers or (1,):
        submitted(firm, contract, number)
        with owner.acting():
            actions.accept_milestone(milestone=milestone(contract, number))


def received(owner: Organisation, contract: Contract, number: int = 1, **given: Any) -> None:
    with owner.acting():
        settlement.receive_milestone(milestone=milestone(contract, number), **given)


def billed(firm: Organisation, contract: Contract, number: str, *lines: tuple[int, int, int]) -> Invoice:
    """`lines`: number of the milestone, net and tax."""
    with firm.acting():
        asked = [Billed(milestone(contract, n).pk, net, tax) for n, net, tax in lines]
        return settlement.send_invoice(contract=access.get_contract(contract.pk), number=number, lines=asked)


def paid(owner: Organisation, contract: Contract, number: int = 1, reference: str = "") -> int:
    with owner.acting():
        return settlement.pay_milestone(milestone=milestone(contract, number), reference=reference)


def released(owner: Organisation, contract: Contract, number: int = 1) -> None:
    with owner.acting():
        settlement.release_retention(milestone=milestone(contract, number))


def settled(owner: Organisation, firm: Organisation, contract: Contract, *numbers: int) -> None:
    """Received as agreed, invoiced and paid, of milestones that were accepted."""
    for number in numbers:
        received(owner, contract, number)
        with firm.acting():
            amount = milestone(contract, number).amount_minor
        billed(firm, contract, f"R-{number}", (number, amount, 0))
        paid(owner, contract, number)


def closed(owner: Organisation, firm: Organisation, **terms: Any) -> Contract:
    """With a single milestone, unless the terms say otherwise."""
    contract = written(owner, firm, **{"milestones": []} | terms)
    with owner.acting():
        numbers = list(Milestone.objects.filter(contract=contract).values_list("number", flat=True))
    accepted(owner, firm, contract, *numbers)
    settled(owner, firm, contract, *numbers)
    return contract_seen(owner, contract)


def extend(party: Organisation, contract: Contract, hours: int = 48) -> None:
    with party.acting():
        actions.extend_access(contract=access.get_contract(contract.pk), hours=hours)


def disputed_by(party: Organisation, contract: Contract) -> Dispute:
    with party.acting():
        return disputes.open_dispute(contract=access.get_contract(contract.pk), reason="late")


def withdrawn_by(party: Organisation, contract: Contract) -> None:
    with party.acting():
        disputes.withdraw_dispute(contract=access.get_contract(contract.pk))


def terminated_by(party: Organisation, contract: Contract) -> None:
    with party.acting():
        disputes.terminate_contract(contract=access.get_contract(contract.pk), reason="enough")


def states(party: Organisation, contract: Contract) -> list[str]:
    """Of the contract, and of each milestone."""
    with party.acting():
        return [
            Contract.objects.get(pk=contract.pk).state,
            *(each.state for each in Milestone.objects.filter(contract=contract)),
        ]


def kinds(party: Organisation, contract: Contract) -> list[str]:
    """Of the contract's events in the party's feed, in order."""
    with party.acting():
        rows = FeedEvent.objects.filter(body__contract=str(contract.pk)).order_by("seq")
        return [row.kind for row in rows]


def places(owner: Organisation) -> dict[str, Any]:
    """An object for each argument: the first milestone is accepted and received, its invoice does not agree."""
    from tests import personas

    firm = personas.organisation("Firm", "service_firm")
    contract = written(owner, firm)
    accepted(owner, firm, contract, 1)
    received(owner, contract)
    invoice = billed(firm, contract, "F-1", (1, 1, 0))
    with owner.acting():
        found = {"contract_id": contract.pk, "milestone_id": milestone(contract, 2).pk, "invoice_id": invoice.pk}
    return found | {"mediation_id": mediated(owner, personas.aurora(), firm)}


def mediated(mediator: Organisation, buyer: Organisation, firm: Organisation) -> Any:
    """A mediation of a dispute between the two others, in which the mediator sits."""
    contract = written(buyer, firm)
    disputed_by(buyer, contract)
    with firm.acting():
        mediation.propose_mediator(contract=access.get_contract(contract.pk), mediator_id=mediator.id)
    with buyer.acting():
        return mediation.agree_to_mediator(contract=access.get_contract(contract.pk)).pk
