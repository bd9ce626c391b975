"""What a person fills in about companies, sites, processes and equipment; made inside the actor's transaction."""

from typing import Any

from django import forms

from tenants.data import Refusal
from tenants.organisation import api as organising
from tenants.organisation.api import Process, Site

NONE = ("", "none")


class NodeForm(forms.Form):
    """`values` are what the actions take; references are given as ids, see `organisation_pages.ROWS`."""

    code = forms.SlugField(label="Short code", max_length=40)
    name = forms.CharField(max_length=200)

    def choose(self, field: str, rows: Any) -> None:
        found = [(str(row.pk), f"{row.name} ({row.code})") for row in rows]
        self.fields[field].choices = [NONE, *found]

    def add_refusal(self, refusal: Refusal) -> None:
        """Put the words beside the fields they speak of."""
        for error in refusal.errors:
            field = error.pointer.strip("/")
            self.add_error(field if field in self.fields else None, error.message)
        if not refusal.errors:
            self.add_error(None, refusal.detail)


class CompanyForm(NodeForm):
    parent = forms.ChoiceField(label="Belongs to", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.choose("parent", organising.companies())


class SiteForm(NodeForm):
    kind = forms.ChoiceField(choices=Site.Kind.choices)
    company = forms.ChoiceField(required=False)
    mine = forms.ChoiceField(label="Mine that a mill belongs to", required=False)
    time_zone = forms.ChoiceField()
    currency = forms.CharField(min_length=3, max_length=3)
    country = forms.ChoiceField(required=False)
    units = forms.ChoiceField(label="Units on screens", choices=Site.Units.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.choose("company", organising.companies())
        self.choose("mine", organising.own_sites().filter(kind=Site.Kind.MINE))
        self.fields["time_zone"].choices = [(name, name) for name in sorted(organising.time_zones())]
        self.fields["country"].choices = [("", "not told"), *organising.countries().items()]


class SiteChangeForm(SiteForm):
    """A mine stays a mine."""

    kind = None


class ProcessForm(NodeForm):
    kind = forms.ChoiceField(choices=Process.Kind.choices)


class EquipmentForm(NodeForm):
    code = forms.CharField(max_length=40)
    kind = forms.CharField(
        max_length=40,
        help_text="such as gas_sensor, fan, haul_truck, pump",
        widget=forms.TextInput(attrs={"list": "equipment-types"}),
    )
    process = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.choose("process", organising.processes_at(site))
        self.equipment_types = organising.equipment_types()


class ClosingForm(forms.Form):
    slug = forms.SlugField(label="The organisation's short name, to confirm")
    reason = forms.CharField(max_length=200)
