"""Members, invitations, programs and their keys, for those who administer an organisation."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.paging import page_of
from tenants.api import feed_head
from tenants.data import Actor, Invalid, NotFound
from tenants.people import api as people
from tenants.roles import CAPABILITIES, ROLES, capabilities_of

MOST_DAYS = 365
KEEP_S = 86_400
MOST_PROGRAMS = 200


class RolesForm(forms.Form):
    """Offers the roles whose every right the actor has, since only those are theirs to give."""

    roles = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        # Two of these forms stand on one page, so their fields need names of their own for labels.
        super().__init__(*args, auto_id=f"{type(self).__name__.lower()}_%s", **kwargs)
        self.fields["roles"].choices = [(role, role) for role in givable(actor)]


class InviteForm(RolesForm):
    email = forms.EmailField(max_length=254, widget=forms.EmailInput({"autocomplete": "off"}))
    field_order = ("email", "roles")


class ProgramForm(RolesForm):
    name = forms.CharField(max_length=200)
    purpose = forms.CharField(max_length=200, required=False, label="What it does")
    field_order = ("name", "purpose", "roles")

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, actor=actor, **kwargs)
        self.fields["roles"].choices = [(role, role) for role in givable(actor) if role != "owner"]


class KeyForm(forms.Form):
    """A key acts as its maker or as a program, within the scopes that are ticked."""

    name = forms.CharField(max_length=100)
    acts_as = forms.ChoiceField(label="Acts as", required=False)
    days = forms.IntegerField(label="For how many days", min_value=1, max_value=MOST_DAYS, initial=90)
    scopes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        programs = people.service_accounts().filter(retired_at=None)[:MOST_PROGRAMS]
        self.fields["acts_as"].choices = [("", "myself"), *((str(row.pk), str(row)) for row in programs)]
        self.fields["scopes"].choices = [(name, name) for name in sorted(CAPABILITIES) if actor.can(name)]


def givable(actor: Actor) -> list[str]:
    return [role for role in ROLES if all(actor.can(right) for right in capabilities_of(frozenset({role})))]


# Members -------------------------------------------------------------------------------------------------------------


class MemberList(MemberPage):
    """Who belongs to the organisation; administrators change it from here."""

    needs = {"GET": "view_registry", "POST": "manage_members"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        return self._shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        kind = ProgramForm if "program" in request.POST else InviteForm
        form = kind(request.POST, actor=self.actor)
        if not form.is_valid() or not self._done(form):
            return self._shown(status=422, **{"program" if kind is ProgramForm else "invitation": form})
        return redirect("console-members")

    def _done(self, form: RolesForm) -> bool:
        try:
            if isinstance(form, InviteForm):
                invitation, token = people.invite_member(**form.cleaned_data)
                link = self.request.build_absolute_uri(reverse("accept-invitation", args=[token]))
                people.mail_invitation(invitation, link)
            else:
                people.found_service_account(**form.cleaned_data)
        except Invalid as refusal:
            form.add_error(None, refusal.detail)
        return form.is_valid()

    def _shown(self, status: int = 200, **forms_given: Any) -> TemplateResponse:
        may_manage = self.actor.can("manage_members")
        context = {"may_manage": may_manage, "all_roles": list(ROLES), **page_of(self.request, people.members())}
        if may_manage:
            context |= {
                "invitation": InviteForm(actor=self.actor),
                "program": ProgramForm(actor=self.actor),
                "invitations": people.open_invitations().order_by("-pk")[:100],
                "now": datetime.now(UTC),
                "givable": givable(self.actor),
                **forms_given,
            }
        response = self.page("console/members.html", head=feed_head(), tab="console-members", **context)
        response.status_code = status
        return response


class MemberStep(MemberPage):
    """One change of one member, invitation or program."""

    needs = {"POST": "manage_members"}
    steps: ClassVar[dict[str, Callable[[UUID, list[str]], Any]]] = {
        "roles": lambda row_id, roles: people.change_roles(membership=people.get_member(row_id), roles=roles),
        "remove": lambda row_id, roles: people.remove_member(membership=people.get_member(row_id)),
        "withdraw": lambda row_id, roles: people.revoke_invitation(invitation=people.get_invitation(row_id)),
    }

    def post(self, request: HttpRequest, row_id: UUID, step: str) -> HttpResponse:
        if step not in self.steps:
            raise NotFound
        self.steps[step](row_id, request.POST.getlist("roles"))
        return redirect("console-members")


# Keys ----------------------------------------------------------------------------------------------------------------


class KeyPage(MemberPage):
    """Keys and programs; a new key's secret is shown once, in the answer to its making."""

    def shown(self, status: int = 200, **more: Any) -> TemplateResponse:
        state = self.request.GET.get("state", "open")
        if state not in people.STATES:
            raise NotFound
        keys = people.keys_in(people.api_keys().select_related("user", "made_by"), state)
        context = {"state": state, "states": people.STATES, "form": KeyForm(actor=self.actor), **more}
        context |= {"may_retire": self.actor.can("manage_members"), **page_of(self.request, keys)}
        programs = people.service_accounts().order_by("-pk")[:MOST_PROGRAMS]
        response = self.page(
            "console/keys.html", head=feed_head(), tab="console-keys", programs=programs, me=self.actor, **context
        )
        response.status_code = status
        return response


class KeyList(KeyPage):
    needs = {"GET": "manage_keys", "POST": "manage_keys"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        return self.shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        form = KeyForm(request.POST, actor=self.actor)
        if form.is_valid():
            try:
                return self.shown(made=self._make(**form.cleaned_data))
            except Invalid as refusal:
                form.add_error(None, refusal.detail)
        return self.shown(status=422, form=form)

    def _make(self, name: str, acts_as: str, days: int, scopes: list[str]) -> Any:
        account = people.get_service_account(UUID(acts_as), needs="manage_keys") if acts_as else None
        until = datetime.now(UTC) + timedelta(days=days)
        return people.make_api_key(name=name, scopes=scopes, expires_at=until, account=account)


class KeyStep(KeyPage):
    """Replace or revoke one key."""

    needs = {"POST": "manage_keys"}

    def post(self, request: HttpRequest, key_id: UUID, step: str) -> HttpResponse:
        key = people.get_api_key(key_id)
        if step == "rotate":
            until = datetime.now(UTC) + timedelta(days=MOST_DAYS)
            return self.shown(made=people.rotate_api_key(key=key, expires_at=until, keep_s=KEEP_S))
        if step != "revoke":
            raise NotFound
        people.revoke_api_key(key=key)
        return redirect("console-keys")


class RetireProgram(MemberPage):
    needs = {"POST": "manage_members"}

    def post(self, request: HttpRequest, account_id: UUID) -> HttpResponse:
        people.retire_service_account(account=people.get_service_account(account_id))
        return redirect("console-keys")
