"""One contract with its milestones, their evidence, its money, disputes and ratings."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import alone, as_csv, drawn
from cloudmining.console.contract_charts import progress
from cloudmining.console.given import whole
from cloudmining.console.money import DIGITS, in_words, to_minor
from cloudmining.console.paging import uuid_of
from cloudmining.console.session_pages import session_context
from marketplace.contracts import api as contracting
from marketplace.contracts.api import ACCOUNTS, ContractState, MilestoneState
from optimization.api import DARK, Chart
from tenants.api import feed_head
from tenants.data import Actor, FieldError, Invalid, NotFound

TAB: Final = "console-contracts"
MOST_LISTED: Final = 500
TONES: Final[dict[str, str]] = {
    **dict.fromkeys((ContractState.CLOSED, MilestoneState.PAID, MilestoneState.SETTLED), "good"),
    **dict.fromkeys((ContractState.DISPUTED, ContractState.TERMINATED, MilestoneState.REWORK), "bad"),
    **dict.fromkeys((MilestoneState.SUBMITTED, MilestoneState.INVOICED), "medium"),
}
# What may be done with a milestone in its state: step → (by the buyer or the firm, capability).
STEPS: Final[dict[str, tuple[str, str]]] = {
    "submit": ("firm", "claim_tasks"),
    "accept": ("owner", "post_tasks"),
    "rework": ("owner", "post_tasks"),
    "receive": ("owner", "settle"),
    "return": ("owner", "settle"),
    "pay": ("owner", "settle"),
    "release": ("owner", "settle"),
}
OF_STATE: Final[dict[MilestoneState, tuple[str, ...]]] = {
    MilestoneState.PLANNED: ("submit",),
    MilestoneState.REWORK: ("submit",),
    MilestoneState.SUBMITTED: ("accept", "rework"),
    MilestoneState.ACCEPTED: ("receive",),
    MilestoneState.INVOICED: ("return",),
    MilestoneState.MATCHED: ("pay",),
    MilestoneState.PAID: ("release",),
    MilestoneState.RELEASED: ("pay",),
}


class ContractPage(MemberPage):
    needs = {"GET": "view_tasks"}
    template = "console/contract.html"

    def get(self, request: HttpRequest, contract_id: UUID) -> TemplateResponse:
        head, contract = feed_head(), contracting.get_contract(contract_id)
        milestones = list(contracting.milestones_of(contract))
        chart = progress(contract, milestones, datetime.now(UTC))
        context = {
            **row_of(contract, self.actor),
            "may": _allowed(contract, milestones, self.actor),
            "terms": {name: f"{share / 100:g}" for name, share in _terms(contract).items()},
            "milestones": [_milestone(each, contract, self.actor) for each in milestones],
            "charts": [drawn(chart, reverse("console-contract-figure", args=[contract.pk]), DARK)],
            **session_context(contract, self.actor),
            "invoices": _invoices(contract),
            "billable": _billable(contract, milestones, self.actor),
            "disputes": list(contracting.disputes_of(contract)),
            "listed": self._listed(contract),
            "ratings": list(contracting.ratings_of(contract)),
            "stars": range(1, 6),
            "money": _money(contract) if self.actor.can("view_usage") else [],
        }
        return self.page(self.template, tab=TAB, head=head, **context)

    def _listed(self, contract: Any) -> Any:
        """Who may be proposed as a mediator."""
        return contracting.mediators(contract).order_by("name")[:MOST_LISTED]


class ContractBody(ContractPage):
    """The inside of the page, as it stands now."""

    template = "console/_contract_body.html"


class ContractFigure(MemberPage):
    """The S-curve alone."""

    needs = {"GET": "view_tasks"}

    def get(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        chart = _chart(contract_id)
        return alone(request, chart.title, chart.figure)


class ContractCsv(MemberPage):
    needs = {"GET": "view_tasks"}

    def get(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        chart = _chart(contract_id)
        return as_csv(f"progress-{contract_id}", chart.headers, chart.rows)


class ContractStep(MemberPage):
    """What the forms ask for; each action requires its own capability and side. A page left open changes nothing."""

    needs = {"POST": "view_tasks"}
    of_contract: ClassVar[dict[str, Callable[[Any, QueryDict], Any]]] = {
        "extend": lambda contract, given: contracting.extend_access(contract=contract, hours=whole(given, "hours")),
        "dispute": lambda contract, given: contracting.open_dispute(contract=contract, reason=given.get("reason", "")),
        "note": lambda contract, given: contracting.add_note(contract=contract, words=given.get("words", "")),
        "mediator": lambda contract, given: contracting.propose_mediator(
            contract=contract, mediator_id=uuid_of(given.get("mediator", ""))
        ),
        "mediator-agree": lambda contract, given: contracting.agree_to_mediator(contract=contract),
        "mediator-decline": lambda contract, given: contracting.decline_mediator(contract=contract),
        "withdraw": lambda contract, given: contracting.withdraw_dispute(contract=contract),
        "terminate": lambda contract, given: contracting.terminate_contract(
            contract=contract, reason=given.get("reason", "")
        ),
        "rate": lambda contract, given: contracting.rate(
            contract=contract,
            stars=whole(given, "stars"),
            words=given.get("words", ""),
            is_named=bool(given.get("is_named")),
        ),
        "terms": lambda contract, given: contracting.set_terms(
            contract=contract, tax_bp=_percent(given, "tax"), tolerance_bp=_percent(given, "tolerance")
        ),
        "invoice": lambda contract, given: contracting.send_invoice(
            contract=contract, number=given.get("number", ""), lines=_billed(contract, given)
        ),
    }
    of_milestone: ClassVar[dict[str, Callable[[Any, QueryDict], Any]]] = {
        "submit": lambda each, given: contracting.submit_milestone(milestone=each, note=given.get("note", "")),
        "accept": lambda each, given: contracting.accept_milestone(milestone=each),
        "rework": lambda each, given: contracting.request_milestone_rework(
            milestone=each, reason=given.get("reason", "")
        ),
        "receive": lambda each, given: contracting.receive_milestone(
            milestone=each,
            amount_minor=_minor(given, "amount", each.contract.currency),
            note=given.get("note", ""),
        ),
        "return": lambda each, given: _returned(each, given),
        "pay": lambda each, given: contracting.pay_milestone(milestone=each, reference=given.get("reference", "")),
        "release": lambda each, given: contracting.release_retention(milestone=each),
    }

    def post(self, request: HttpRequest, contract_id: UUID, step: str) -> HttpResponse:
        given, contract = request.POST, contracting.get_contract(contract_id)
        if step in self.of_contract:
            contract.version = whole(given, "version")
            self.of_contract[step](contract, given)
        elif step in self.of_milestone:
            milestone = contracting.get_milestone(uuid_of(given.get("milestone", "")))
            milestone.contract.version = whole(given, "version")
            self.of_milestone[step](milestone, given)
        else:
            raise NotFound
        return redirect("console-contract-body" if request.htmx else "console-contract", contract_id)


def _chart(contract_id: UUID) -> Chart:
    contract = contracting.get_contract(contract_id)
    return progress(contract, list(contracting.milestones_of(contract)), datetime.now(UTC))


def row_of(contract: Any, actor: Actor) -> dict[str, Any]:
    """What a list and the page say of it first."""
    is_owner = contract.tenant_id == actor.tenant_id
    return {
        "contract": contract,
        "is_owner": is_owner,
        "other": contract.firm_name if is_owner else contract.owner_name,
        "price": in_words(contract.price_minor, contract.currency),
        "tone": TONES.get(ContractState(contract.state), "going"),
    }


def _terms(contract: Any) -> dict[str, int]:
    return {"tax": contract.tax_bp, "tolerance": contract.tolerance_bp}


def _allowed(contract: Any, milestones: Sequence[Any], actor: Actor) -> set[str]:
    """The forms and links about the whole contract that are shown."""
    is_received = any(each.receipts.all() for each in milestones)
    is_owner = contract.tenant_id == actor.tenant_id
    sets_terms = is_owner and actor.can("settle") and not is_received
    state, manages = ContractState(contract.state), actor.can("manage_agreements")
    dispute = next((each for each in contracting.disputes_of(contract) if each.resolved_at is None), None)
    mediation = next((each for each in (dispute.mediations.all() if dispute else ()) if each.is_live), None)
    proposed = mediation if manages and mediation is not None and mediation.state == "proposed" else None
    shown = {
        "mediator": manages and dispute is not None and mediation is None,
        "mediator-agree": proposed is not None and proposed.by_id != actor.tenant_id,
        "mediator-decline": proposed is not None,
        "extend": is_owner and actor.can("post_tasks") and state is ContractState.IN_PROGRESS,
        "dispute": manages and state in (ContractState.IN_PROGRESS, ContractState.FULFILLED),
        "note": dispute is not None and actor.can("comment"),
        "withdraw": manages and dispute is not None and dispute.by_id == actor.tenant_id,
        "terminate": manages and state in (ContractState.IN_PROGRESS, ContractState.DISPUTED),
        "rate": state is ContractState.CLOSED and actor.can("comment") and not _has_rated(contract, actor),
        "terms": sets_terms and state in (ContractState.IN_PROGRESS, ContractState.FULFILLED),
        "statement": actor.can("view_usage"),
        "ledger": actor.can("view_ledger"),
    }
    return {step for step, is_shown in shown.items() if is_shown}


def _has_rated(contract: Any, actor: Actor) -> bool:
    return any(rating.tenant_id == actor.tenant_id for rating in contracting.ratings_of(contract))


def _milestone(milestone: Any, contract: Any, actor: Actor) -> dict[str, Any]:
    side = "owner" if contract.tenant_id == actor.tenant_id else "firm"
    return {
        "row": milestone,
        "tone": TONES.get(MilestoneState(milestone.state), "going"),
        "amount": in_words(milestone.amount_minor, contract.currency),
        "plain": _plain(milestone.amount_minor, contract.currency),
        "submissions": list(milestone.submissions.all()),
        "inspections": list(milestone.inspections.all()),
        "steps": [
            step
            for step in OF_STATE.get(MilestoneState(milestone.state), ())
            if STEPS[step][0] == side
            and actor.can(STEPS[step][1])
            and contract.state != ContractState.DISPUTED
            and (step != "release" or milestone.retained_until)
        ],
    }


def _billable(contract: Any, milestones: Sequence[Any], actor: Actor) -> list[dict[str, Any]]:
    """To the firm: what was received and is on no invoice, with the amounts that would match."""
    if contract.firm_id != actor.tenant_id or not actor.can("settle") or contract.state == ContractState.DISPUTED:
        return []
    received = [(each, each.receipts.all()[0].amount_minor) for each in milestones if each.state == "receipted"]
    return [
        {
            "row": each,
            "net": _plain(amount, contract.currency),
            "tax": _plain(contracting.part_of(amount, contract.tax_bp), contract.currency),
        }
        for each, amount in received
    ]


def _invoices(contract: Any) -> list[dict[str, Any]]:
    """Newest first."""
    found = contracting.invoices_of(contract).order_by("-pk")
    return [_invoice(each, contract.currency) for each in found]


def _invoice(invoice: Any, currency: str) -> dict[str, Any]:
    lines = [
        {"line": line, "net": in_words(line.net_minor, currency), "tax": in_words(line.tax_minor, currency)}
        for line in invoice.lines.all()
    ]
    tone = {"matched": "good", "mismatched": "bad"}.get(invoice.state, "low")
    return {"invoice": invoice, "lines": lines, "tone": tone}


def _money(contract: Any) -> list[tuple[str, str]]:
    """Account in words, balance in words."""
    balances = contracting.balances_of(contract)
    return [
        (words, in_words(balances[name], contract.currency)) for name, words in ACCOUNTS.items() if name in balances
    ]


def _billed(contract: Any, given: QueryDict) -> list[contracting.Billed]:
    """A line for each milestone that is ticked."""
    ticked, currency = given.getlist("milestone"), contract.currency
    return [
        contracting.Billed(uuid_of(key), _minor(given, f"net-{key}", currency), _minor(given, f"tax-{key}", currency))
        for key in ticked
    ]


def _returned(milestone: Any, given: QueryDict) -> None:
    """The invoice of the milestone that does not agree; the version of the page was that of its contract."""
    line = milestone.invoice_lines.filter(invoice__state="mismatched").order_by("-pk").first()
    if line is None:
        raise NotFound
    invoice = contracting.get_invoice(line.invoice_id)
    invoice.contract = milestone.contract
    contracting.return_invoice(invoice=invoice, reason=given.get("reason", ""))


def _plain(minor: int, currency: str) -> str:
    """As a field for an amount takes it."""
    digits = DIGITS.get(currency, 2)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"


def _minor(given: QueryDict, name: str, currency: str) -> int:
    return to_minor(_decimal(given, name), currency)


def _percent(given: QueryDict, name: str) -> int:
    """Basis points of what is given in percent."""
    return int(100 * _decimal(given, name))


def _decimal(given: QueryDict, name: str) -> Decimal:
    try:
        value = Decimal(given.get(name, ""))
    except InvalidOperation:
        value = Decimal("NaN")
    if not (value.is_finite() and 0 <= value < Decimal(10) ** 14):
        raise Invalid(f"The {name} is no amount.", (FieldError(f"/{name}", "give a number, not below 0"),))
    return value
