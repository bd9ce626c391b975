"""Remote sessions on the page of their contract: each side has the forms of its own steps."""

from collections.abc import Callable
from typing import Any, ClassVar, Final
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from cloudmining.console.base import MemberPage
from cloudmining.console.given import whole
from cloudmining.console.market_forms import AssignForm
from cloudmining.console.market_pages import saved
from cloudmining.console.money import in_words, to_minor
from cloudmining.console.paging import uuid_of
from marketplace.contracts import api as contracting
from marketplace.contracts.api import ContractState
from marketplace.crew import api as crew
from marketplace.sessions import api as sessions
from marketplace.sessions.api import SUBJECT_CHARS, SessionState, SessionTerms
from tenants.api import tenants
from tenants.data import Actor, NotFound
from tenants.resources.api import get_person

TAB: Final = "console-contracts"
TONES: Final[dict[str, str]] = {
    **dict.fromkeys((SessionState.PROPOSED, SessionState.ENDED), "medium"),
    SessionState.OBJECTED: "bad",
    SessionState.ACCEPTED: "good",
    SessionState.CANCELLED: "low",
}
# Who takes a step with a session: side of the contract → capability.
STEPS: Final[dict[str, dict[str, str]]] = {
    "confirm": {"owner": "post_tasks"},
    "cancel": {"owner": "post_tasks", "firm": "use_resources"},
    "start": {"firm": "claim_tasks"},
    "stop": {"firm": "claim_tasks"},
    "note": {"firm": "claim_tasks"},
    "reverse": {"firm": "claim_tasks"},
    "correct": {"firm": "claim_tasks"},
    "accept": {"owner": "post_tasks"},
    "object": {"owner": "post_tasks"},
}
OF_STATE: Final[dict[SessionState, tuple[str, ...]]] = {
    SessionState.PROPOSED: ("confirm", "cancel"),
    SessionState.BOOKED: ("start", "cancel"),
    SessionState.RUNNING: ("stop", "note", "reverse"),
    SessionState.ENDED: ("accept", "object", "note", "reverse", "correct"),
    SessionState.OBJECTED: ("accept", "note", "reverse", "correct"),
}
MOST_SHOWN: Final = 50
# Nothing but this happens in a dispute.
IN_DISPUTE: Final = ("cancel", "stop")


class BookForm(AssignForm):
    """As for an assignment, and what is agreed of the session; the rate is typed in whole units of the currency."""

    subject = forms.CharField(label="What about", max_length=SUBJECT_CHARS)
    ceiling_min = forms.IntegerField(label="Not to exceed, in minutes", min_value=1)
    rate_minor = forms.DecimalField(required=False, min_value=0, max_digits=12)

    def __init__(self, *args: Any, contract: Any, **kwargs: Any) -> None:
        super().__init__(*args, task=contract.task, **kwargs)
        self.contract = contract
        self.fields["rate_minor"].label = f"Rate for a minute in {contract.currency}; empty: by your rate card"

    def book(self) -> None:
        said, task = self.cleaned_data, self.contract.task
        rate = said["rate_minor"]
        sessions.book_session(
            contract=self.contract,
            person=get_person(UUID(said["person"]), needs="use_resources"),
            terms=SessionTerms(
                subject=said["subject"],
                from_at=said["from_at"],
                to_at=said["to_at"],
                ceiling_min=said["ceiling_min"],
                rate_minor=None if rate is None else to_minor(rate, self.contract.currency),
            ),
            need=crew.get_need(task, UUID(said["need"])) if said["need"] else None,
        )


class BookSession(MemberPage):
    """The firm proposes a session of one of its people."""

    needs = {"GET": "use_resources", "POST": "use_resources"}

    def get(self, request: HttpRequest, contract_id: UUID) -> TemplateResponse:
        return self._shown(self._form(contract_id))

    def post(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        form = self._form(contract_id, request.POST)
        if form.is_valid() and saved(form, form.book):
            return redirect("console-contract", contract_id)
        return self._shown(form, status=422)

    def _form(self, contract_id: UUID, *data: Any) -> BookForm:
        contract = contracting.get_contract(contract_id)
        if not may_book(contract, self.actor):
            raise NotFound
        zone = tenants().get(pk=self.actor.tenant_id).time_zone
        return BookForm(*data, contract=contract, time_zone=zone)

    def _shown(self, form: BookForm, status: int = 200) -> TemplateResponse:
        response = self.page("console/book_session.html", tab=TAB, contract=form.contract, form=form)
        response.status_code = status
        return response


class SessionStep(MemberPage):
    """What the forms ask for; each action requires its own capability and side. A page left open changes nothing."""

    needs = {"POST": "view_tasks"}
    steps: ClassVar[dict[str, Callable[[Any, QueryDict], Any]]] = {
        "confirm": lambda session, given: sessions.confirm_session(session=session),
        "cancel": lambda session, given: sessions.cancel_session(session=session, reason=given.get("reason", "")),
        "start": lambda session, given: sessions.start_session(session=session),
        "stop": lambda session, given: sessions.stop_session(session=session, result=given.get("result", "")),
        "note": lambda session, given: sessions.log_note(
            session=session, words=given.get("words", ""), looked_at=given.get("looked_at", "")
        ),
        "reverse": lambda session, given: _reverse(session, given),
        "correct": lambda session, given: sessions.correct_minutes(
            session=session, minutes=whole(given, "minutes"), reason=given.get("reason", "")
        ),
        "accept": lambda session, given: sessions.accept_minutes(session=session),
        "object": lambda session, given: sessions.object_to_minutes(session=session, reason=given.get("reason", "")),
    }

    def post(self, request: HttpRequest, remote_session_id: UUID, step: str) -> HttpResponse:
        session = sessions.get_session(remote_session_id)
        if step not in self.steps:
            raise NotFound
        session.version = whole(request.POST, "version")
        self.steps[step](session, request.POST)
        return redirect("console-contract-body" if request.htmx else "console-contract", session.contract_id)


def session_context(contract: Any, actor: Actor) -> dict[str, Any]:
    """What the page of a contract shows of its sessions: the newest first, and no more than are looked at."""
    found = list(sessions.sessions_with_logs(contract).order_by("-number")[:MOST_SHOWN])
    names = sessions.names_of_experts(found)
    return {
        "sessions": [_row(session, contract, actor, names.get(session.assignment_id, "")) for session in found],
        "is_cut": len(found) == MOST_SHOWN,
        "answer_d": sessions.ANSWER_D,
        "may_book": may_book(contract, actor),
    }


def may_book(contract: Any, actor: Actor) -> bool:
    is_firm = contract.firm_id == actor.tenant_id
    return is_firm and actor.can("use_resources") and contract.state == ContractState.IN_PROGRESS


def _row(session: Any, contract: Any, actor: Actor, name: str) -> dict[str, Any]:
    log, currency = list(session.entries.all()), session.currency
    reversed_ones = {entry.reverses_id for entry in log}
    minutes = sum(entry.minutes for entry in log)
    return {
        "row": session,
        "expert": name,
        "tone": TONES.get(SessionState(session.state), "going"),
        "rate": in_words(session.rate_minor, currency),
        "most": in_words(sessions.amount_of(session.ceiling_min, session.rate_minor), currency),
        "minutes": minutes,
        "plain_minutes": str(minutes),
        "amount": in_words(sessions.amount_of(minutes, session.rate_minor), currency),
        "log": [
            {
                "entry": entry,
                "by": contract.owner_name if entry.by_id == contract.tenant_id else contract.firm_name,
                "is_reversed": entry.pk in reversed_ones,
            }
            for entry in log
        ],
        "steps": _steps(session, contract, actor),
    }


def _steps(session: Any, contract: Any, actor: Actor) -> list[str]:
    side = "owner" if contract.tenant_id == actor.tenant_id else "firm"
    return [
        step
        for step in OF_STATE.get(SessionState(session.state), ())
        if side in STEPS[step]
        and actor.can(STEPS[step][side])
        and (contract.state != ContractState.DISPUTED or step in IN_DISPUTE)
    ]


def _reverse(session: Any, given: QueryDict) -> Any:
    note = sessions.get_note(uuid_of(given.get("note", "")))
    if note.session_id != session.pk:
        raise NotFound
    note.session = session
    return sessions.reverse_note(note=note, reason=given.get("reason", ""))
