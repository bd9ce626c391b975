"""Commands: the list, the form that asks for one, one command's life, and what may be set."""

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from cloudmining.console.base import MemberPage
from cloudmining.console.command_forms import CommandTypeForm
from cloudmining.console.paging import machines_of, page_of, uuid_of
from edge_bridge.commands import api as commanding
from edge_bridge.commands.api import State
from tenants.api import feed_head, get_equipment
from tenants.data import Actor, Conflict, FieldError, Invalid, NotFound
from tenants.people.api import members

TAB: Final = "console-commands"
STATE_WORDS: Final = {State.REQUESTED: "waits for a second person"}
TONES: Final = {
    State.REQUESTED: "medium",
    State.DONE: "good",
    **dict.fromkeys((State.APPROVED, State.SENT, State.DELIVERED), "going"),
    **dict.fromkeys((State.FAILED, State.UNKNOWN), "bad"),
}


class CommandList(MemberPage):
    """Own commands, or with `?shared=1` those to machines of partners; below them the machines."""

    needs = {"GET": "send_commands"}
    template = "console/commands.html"

    def get(self, request: HttpRequest) -> TemplateResponse:
        head, shared = feed_head(), bool(request.GET.get("shared"))
        found = page_of(request, commanding.commands_where(shared=shared))
        found["rows"] = [{"command": command, **_state_of(command)} for command in found["rows"]]
        found |= machines_of(request, commanding.machines(shared=shared))
        return self.page(self.template, tab=TAB, head=head, shared=shared, **found)


class CommandRows(CommandList):
    """The inside of the list, as it stands now."""

    template = "console/_commands.html"


class CommandForm(MemberPage):
    """Asks for a command to one machine."""

    needs = {"GET": "send_commands", "POST": "send_commands"}

    def get(self, request: HttpRequest, equipment_id: UUID) -> TemplateResponse:
        machine = get_equipment(equipment_id, needs="send_commands")
        types = commanding.types_open_for(equipment_id)
        return self.page("console/command_form.html", tab=TAB, machine=machine, types=types)

    def post(self, request: HttpRequest, equipment_id: UUID) -> HttpResponse:
        given = request.POST
        command = commanding.request_command(
            equipment_id=equipment_id,
            type_id=uuid_of(given.get("type", "")),
            value=_number(given.get("value", "")),
            reason=given.get("reason", ""),
        )
        return redirect("console-command", command.pk)


class CommandPage(MemberPage):
    needs = {"GET": "send_commands"}
    template = "console/command.html"

    def get(self, request: HttpRequest, command_id: UUID) -> TemplateResponse:
        head, command = feed_head(), commanding.get_command(command_id)
        changes = list(commanding.changes_of(command))
        shown = {"command": command, "changes": changes, "people": _people(changes), **_state_of(command)}
        return self.page(self.template, tab=TAB, head=head, may=_allowed(command, self.actor), **shown)


class CommandBody(CommandPage):
    """The inside of the page, as it stands now."""

    template = "console/_command_body.html"


class CommandStep(MemberPage):
    """What the page's forms ask for; each action requires its own capability."""

    needs = {"POST": "send_commands"}
    steps: ClassVar[dict[str, Callable[[Any, QueryDict], Any]]] = {
        "approve": lambda command, given: commanding.approve_command(command=command),
        "reject": lambda command, given: commanding.reject_command(command=command, reason=given.get("reason", "")),
        "withdraw": lambda command, given: commanding.withdraw_command(command=command, reason=given.get("reason", "")),
    }

    def post(self, request: HttpRequest, command_id: UUID, step: str) -> HttpResponse:
        if step not in self.steps:
            raise NotFound
        self.steps[step](commanding.get_command(command_id), request.POST)
        return redirect("console-command-body" if request.htmx else "console-command", command_id)


class CommandTypes(MemberPage):
    """What may be set, and for those who may manage rules the forms that add a type and retire one."""

    needs = {"GET": "send_commands", "POST": "manage_rules"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        return self._shown(CommandTypeForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("form") == "retire":
            kind = commanding.get_command_type(uuid_of(request.POST.get("type", "")))
            commanding.retire_command_type(kind=kind)
            return redirect("console-command-types")
        form = CommandTypeForm(request.POST)
        if form.is_valid():
            try:
                commanding.make_command_type(**form.cleaned_data)
                return redirect("console-command-types")
            except (Conflict, Invalid) as refusal:
                form.add_refusal(refusal.detail, refusal.errors)
        return self._shown(form, status=422)

    def _shown(self, form: CommandTypeForm, status: int = 200) -> TemplateResponse:
        types = commanding.types().filter(retired_at=None).order_by("equipment_kind", "name")
        may_manage = self.actor.can("manage_rules")
        tab = "console-command-types"
        page = self.page("console/command_types.html", tab=tab, types=types, form=form, may_manage=may_manage)
        page.status_code = status
        return page


def _people(changes: Sequence[Any]) -> dict[str, str]:
    """Names of own members who took a step, by id."""
    took = members().filter(user__in={change.by_user_id for change in changes if change.by_user_id})
    return {str(each.user_id): each.user.name or each.user.email for each in took}


def _state_of(command: Any) -> dict[str, str]:
    state = State(command.state)
    return {"words": STATE_WORDS.get(state, str(state)), "tone": TONES.get(state, "low")}


def _allowed(command: Any, actor: Actor) -> set[str]:
    """The forms that are shown, by step."""
    is_own, waits = command.tenant_id == actor.tenant_id, command.state == State.REQUESTED
    decides = is_own and waits and actor.can("approve_commands")
    shown = {
        "approve": decides and actor.user_id not in (None, command.requested_by_id),
        "reject": decides,
        "withdraw": command.is_not_sent and (is_own or command.requested_for_id == actor.tenant_id),
    }
    return {step for step, is_shown in shown.items() if is_shown}


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Invalid("Say which value.", (FieldError("/value", "a number"),))
    return value
