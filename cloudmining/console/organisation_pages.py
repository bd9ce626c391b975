"""The organisation's own pages: its tree of companies and sites, one site, and the forms for what stands in it."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from cloudmining.console import organisation_forms as forms
from cloudmining.console.base import MemberPage
from cloudmining.console.paging import machines_of
from tenants.api import tenants
from tenants.data import Conflict, Invalid
from tenants.organisation import api as organising
from tenants.organisation.api import Site, get_own_equipment, get_own_site
from tenants.units import stated_in_words

TAB: Final = "console-sites"
# A form's reference → the actor's own row of that id.
ROWS: Final[dict[str, Callable[[UUID], Any]]] = {
    "parent": organising.get_own_company,
    "company": organising.get_own_company,
    "process": organising.get_own_process,
    "mine": lambda key: get_own_site(key, needs="manage"),
}


class SiteTree(MemberPage):
    """Companies, their sites, and the processes of each."""

    needs = {"GET": "view_registry"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        return self.page(
            "console/sites.html", tab=TAB, branches=organising.branches(), may_manage=self.actor.can("manage")
        )


class SitePage(MemberPage):
    """One own site with its processes and equipment."""

    needs = {"GET": "view_registry"}

    def get(self, request: HttpRequest, site_id: UUID) -> TemplateResponse:
        site = get_own_site(site_id, needs="view_registry")
        context = {
            "site": site,
            "units": stated_in_words(site.units),
            "now": timezone.now(),
            "processes": organising.processes_at(site),
            "may_manage": self.actor.can("manage"),
            **machines_of(request, organising.equipment_at(site)),
        }
        return self.page("console/site.html", tab=TAB, **context)


class NodePage(MemberPage):
    """A form for a new node or one that is there; a refusal is said beside the field it speaks of."""

    needs = {"GET": "manage", "POST": "manage"}
    noun = ""
    place: dict[str, UUID]

    def form(self, **given: Any) -> Form:
        raise NotImplementedError

    def initial(self) -> dict[str, Any]:
        return {}

    def take(self, values: dict[str, Any]) -> Site | None:
        """Carry out what was filled in; the site to go back to, else the tree."""
        raise NotImplementedError

    def get(self, request: HttpRequest, **place: UUID) -> HttpResponse:
        self.place = place
        return self._shown(self.form(initial=self.initial()))

    def post(self, request: HttpRequest, **place: UUID) -> HttpResponse:
        self.place = place
        form = self.form(data=request.POST)
        if form.is_valid():
            try:
                with transaction.atomic():
                    site = self.take(_with_rows(form.cleaned_data))
                return redirect("console-site", site.pk) if site else redirect(TAB)
            except (Invalid, Conflict) as refusal:
                form.add_refusal(refusal)
        return self._shown(form, status=422)

    def _shown(self, form: Form, status: int = 200) -> TemplateResponse:
        title = f"{'Change the' if self.is_change else 'Add a'} {self.noun}"
        back = reverse("console-site", args=[self.place["site_id"]]) if "site_id" in self.place else reverse(TAB)
        response = self.page("console/node.html", tab=TAB, title=title, form=form, back=back)
        response.status_code = status
        return response

    @property
    def is_change(self) -> bool:
        return bool(self.initial())


class NewCompany(NodePage):
    noun = "company"

    def form(self, **given: Any) -> Form:
        return forms.CompanyForm(**given)

    def take(self, values: dict[str, Any]) -> None:
        organising.add_company(**values)


class ChangeCompany(NewCompany):
    def initial(self) -> dict[str, Any]:
        return _values(self._company, "code", "name", "parent_id")

    def take(self, values: dict[str, Any]) -> None:
        organising.change_company(company=self._company, **values)

    @property
    def _company(self) -> Any:
        return organising.get_own_company(self.place["company_id"])


class NewSite(NodePage):
    noun = "site"
    fields = ("code", "name", "company_id", "mine_id", "time_zone", "currency", "country", "units")

    def form(self, **given: Any) -> Form:
        owner = tenants().get(pk=self.actor.tenant_id)
        fallback = {"time_zone": owner.time_zone, "currency": owner.currency}
        return forms.SiteForm(**given if "data" in given else {"initial": fallback})

    def take(self, values: dict[str, Any]) -> Site:
        return organising.register_site(**values)


class ChangeSite(NewSite):
    def form(self, **given: Any) -> Form:
        return forms.SiteChangeForm(**given)

    def initial(self) -> dict[str, Any]:
        return _values(self._site, *self.fields)

    def take(self, values: dict[str, Any]) -> Site:
        return organising.change_site(site=self._site, **values)

    @property
    def _site(self) -> Site:
        return get_own_site(self.place["site_id"], needs="manage")


class NewProcess(NodePage):
    noun = "process"

    def form(self, **given: Any) -> Form:
        return forms.ProcessForm(**given)

    def take(self, values: dict[str, Any]) -> Site:
        site = get_own_site(self.place["site_id"], needs="manage")
        organising.add_process(site=site, **values)
        return site


class ChangeProcess(NewProcess):
    def initial(self) -> dict[str, Any]:
        return _values(self._process, "code", "name", "kind")

    def take(self, values: dict[str, Any]) -> Site:
        return organising.change_process(process=self._process, **values).site

    @property
    def _process(self) -> Any:
        return organising.get_own_process(self.place["process_id"])


class NewEquipment(NodePage):
    noun = "piece of equipment"

    def form(self, **given: Any) -> Form:
        return forms.EquipmentForm(site=get_own_site(self.place["site_id"], needs="manage"), **given)

    def take(self, values: dict[str, Any]) -> Site:
        site = get_own_site(self.place["site_id"], needs="manage")
        organising.register_equipment(site=site, **values)
        return site


class ChangeEquipment(NodePage):
    noun = "piece of equipment"

    def form(self, **given: Any) -> Form:
        return forms.EquipmentForm(site=self._machine.site, **given)

    def initial(self) -> dict[str, Any]:
        return _values(self._machine, "code", "name", "kind", "process_id")

    def take(self, values: dict[str, Any]) -> Site:
        return organising.change_equipment(equipment=self._machine, **values).site

    @property
    def _machine(self) -> Any:
        return get_own_equipment(self.place["equipment_id"], needs="manage")


def _values(row: Any, *names: str) -> dict[str, Any]:
    return {name.removesuffix("_id"): getattr(row, name) for name in names}


def _with_rows(given: dict[str, Any]) -> dict[str, Any]:
    """Ids that were chosen become own rows, and an empty choice none."""
    return {
        name: (ROWS[name](UUID(value)) if value else None) if name in ROWS else value for name, value in given.items()
    }
