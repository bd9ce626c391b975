"""Where the organisation's feed is posted to, what came of it, and what changes it."""

from collections.abc import Callable
from typing import Any, ClassVar, Final
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from cloudmining.console.base import MemberPage
from cloudmining.console.paging import page_of
from tenants.api import feed_head, sites
from tenants.data import Invalid, NotFound
from tenants.webhooks import api as webhooks

NEEDS: Final = "manage_keys"
MOST_SITES: Final = 200
KEEP_S: Final = 86_400


class WebhookForm(forms.Form):
    """A new webhook; what is left empty narrows nothing."""

    name = forms.CharField(max_length=100)
    url = forms.CharField(max_length=500, label="Address, beginning with https://")
    kinds = forms.CharField(max_length=500, required=False, label="Only kinds that begin so, such as: alarm. task.")
    severities = forms.CharField(max_length=200, required=False, label="Only severities, such as: critical high")
    sites = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple, label="Only sites")

    def __init__(self, *args: Any, tenant_id: UUID, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = sites().filter(tenant=tenant_id)[:MOST_SITES]
        self.fields["sites"].choices = [(str(site.pk), site.name) for site in own]

    def wanted(self) -> dict[str, list[str]] | None:
        """The filter, None for everything."""
        said = self.cleaned_data
        lists = {"kinds": said["kinds"].split(), "severities": said["severities"].split(), "sites": said["sites"]}
        return {name: values for name, values in lists.items() if values} or None


class WebhookList(MemberPage):
    """All of them, and a form for another one; a new one's secret is shown once, in the answer to its making."""

    needs = {"GET": NEEDS, "POST": NEEDS}

    def get(self, request: HttpRequest) -> TemplateResponse:
        return self._shown(WebhookForm(tenant_id=self.actor.tenant_id))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = WebhookForm(request.POST, tenant_id=self.actor.tenant_id)
        if form.is_valid():
            try:
                return self._shown(WebhookForm(tenant_id=self.actor.tenant_id), made=self._make(form))
            except Invalid as refusal:
                form.add_error(None, f"{refusal.detail} {' '.join(error.message for error in refusal.errors)}")
        return self._shown(form, status=422)

    def _make(self, form: WebhookForm) -> Any:
        said = form.cleaned_data
        return webhooks.make_webhook(name=said["name"], url=said["url"], filter=form.wanted())

    def _shown(self, form: WebhookForm, status: int = 200, made: Any = None) -> TemplateResponse:
        rows = webhooks.webhooks().order_by("-pk")
        response = self.page(
            "console/webhooks.html", head=feed_head(), tab="console-webhooks", hooks=rows, form=form, made=made
        )
        response.status_code = status
        return response


class WebhookPage(MemberPage):
    """One webhook with the log of what it was sent."""

    needs = {"GET": NEEDS}

    def get(self, request: HttpRequest, webhook_id: UUID) -> TemplateResponse:
        return self.shown(webhook_id)

    def shown(self, webhook_id: UUID, secret: str = "") -> TemplateResponse:
        hook = webhooks.get_webhook(webhook_id)
        is_off = hook.status == hook.Status.DISABLED
        switch = ("enable", "Switch on") if is_off else ("disable", "Switch off")
        steps = [("test", "Send a test"), switch, ("rotate", "New secret"), ("remove", "Remove")]
        context = {"hook": hook, "waiting": webhooks.waiting(hook), "secret": secret, "steps": steps}
        context |= {"wanted": _in_words(hook.filter or {})}
        context |= page_of(self.request, webhooks.deliveries_of(hook))
        return self.page("console/webhook.html", head=feed_head(), tab="console-webhooks", **context)


class WebhookStep(WebhookPage):
    """One change of one webhook; a new secret is shown in the answer."""

    needs = {"POST": NEEDS}
    steps: ClassVar[dict[str, Callable[[Any], Any]]] = {
        "enable": lambda hook: webhooks.enable_webhook(webhook=hook),
        "disable": lambda hook: webhooks.disable_webhook(webhook=hook),
        "test": lambda hook: webhooks.ask_for_test(webhook=hook),
        "rotate": lambda hook: webhooks.rotate_secret(webhook=hook, keep_s=KEEP_S),
        "remove": lambda hook: webhooks.remove_webhook(webhook=hook),
    }

    def post(self, request: HttpRequest, webhook_id: UUID, step: str) -> HttpResponse:
        if step not in self.steps:
            raise NotFound
        outcome = self.steps[step](webhooks.get_webhook(webhook_id))
        if step == "rotate":
            return self.shown(webhook_id, secret=outcome)
        return redirect("console-webhooks") if step == "remove" else redirect("console-webhook", webhook_id)


def _in_words(wanted: dict[str, list[str]]) -> dict[str, list[str]]:
    """The filter with the names of sites that can be seen."""
    names = {str(site.pk): site.name for site in sites().filter(pk__in=wanted.get("sites", ()))}
    return {criterion: [names.get(value, value) for value in values] for criterion, values in wanted.items()}
