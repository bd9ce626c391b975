"""What a person fills in to post a service task."""

from typing import Any
from uuid import UUID

from django import forms

from cloudmining.console.money import to_minor
from marketplace.data import ACCESS_H, CATEGORIES, DESCRIPTION_CHARS, TITLE_CHARS, TaskTerms
from tenants.api import equipment, sites
from tenants.data import Actor, Invalid
from tenants.roles import SITE_PERMISSIONS

ABOUT_LIMIT = 500


class TaskForm(forms.Form):
    """Made inside the actor's transaction: the choices are what the actor's organisation owns and may open."""

    about = forms.ChoiceField(label="About")
    title = forms.CharField(max_length=TITLE_CHARS)
    category = forms.ChoiceField(choices=list(CATEGORIES.items()))
    description = forms.CharField(max_length=DESCRIPTION_CHARS, required=False, widget=forms.Textarea({"rows": 4}))
    opens = forms.MultipleChoiceField(
        label="The firm that claims it may", required=False, widget=forms.CheckboxSelectMultiple
    )
    access_h = forms.IntegerField(label="For how many hours", min_value=1, max_value=ACCESS_H, initial=72)
    fee = forms.DecimalField(min_value=0, max_digits=15, decimal_places=3, initial=0)

    def __init__(self, *args: Any, actor: Actor, currency: str, alarm: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["fee"].label = f"Fee in {currency}"
        self.fields["about"].choices = about_choices(actor, alarm)
        self.fields["opens"].choices = [(name, words) for name, words in SITE_PERMISSIONS.items() if actor.can(name)]

    @property
    def terms(self) -> TaskTerms:
        """The terms as the marketplace takes them; Invalid if it doesn't."""
        given = self.cleaned_data
        return TaskTerms(
            title=given["title"],
            category=given["category"],
            description=given["description"],
            opens=tuple(given["opens"]),
            access_h=given["access_h"],
            fee_minor=to_minor(given["fee"], self.currency),
            currency=self.currency,
        )

    @property
    def place(self) -> dict[str, UUID]:
        """`{"alarm_id": …}`, `{"equipment_id": …}` or `{"site_id": …}`"""
        kind, _, key = self.cleaned_data["about"].partition(":")
        return {f"{kind}_id": UUID(key)}

    def add_refusal(self, refusal: Invalid) -> None:
        """Put the marketplace's words beside the fields they speak of."""
        for error in refusal.errors:
            field = error.pointer.strip("/").replace("fee_minor", "fee")
            self.add_error(field if field in self.fields else None, error.message)
        if not refusal.errors:
            self.add_error(None, refusal.detail)


def about_choices(actor: Actor, alarm: Any = None) -> list[tuple[str, list[tuple[str, str]]]]:
    """The alarm if there is one, own equipment and own sites, in groups."""
    machines = equipment().filter(tenant=actor.tenant_id)[:ABOUT_LIMIT]
    places = sites().filter(tenant=actor.tenant_id)[:ABOUT_LIMIT]
    alarms = (
        [(f"alarm:{alarm.pk}", f"{alarm.alarm_type} on {alarm.equipment or alarm.device or 'all'} ({alarm.site.name})")]
        if alarm
        else []
    )
    groups = [
        ("Alarm", alarms),
        ("Equipment", [(f"equipment:{machine.pk}", f"{machine} ({machine.site.name})") for machine in machines]),
        ("Site", [(f"site:{place.pk}", str(place)) for place in places]),
    ]
    return [group for group in groups if group[1]]
