"""What a person fills in to draft an agreement or to counter one."""

from typing import Any
from uuid import UUID

from django import forms

from cloudmining.console.forms import about_choices, moment
from cloudmining.console.money import DIGITS, to_minor
from tenants.agreements.api import PRICE_PER, maskable, places_offered
from tenants.agreements.data import MOST_DELAY_S, MOST_FLOOR_N, PURPOSE_CHARS, TERMS_CHARS, TITLE_CHARS
from tenants.api import tenants
from tenants.data import Actor, Invalid
from tenants.roles import SITE_PERMISSIONS

MOST_FORMS = 20
MOST_PARTNERS = 500
MINUTE_S = 60
PRICES = [("", "no price"), *zip(PRICE_PER, ("once", "a day", "a month", "a thousand rows read"), strict=True)]


class HeadingForm(forms.Form):
    """Made inside the actor's transaction; what goes on from another agreement has its partner and kind already."""

    partner = forms.ChoiceField()
    kind = forms.ChoiceField(choices=[("bilateral", "opens the data itself"), ("framework", "limits for call-offs")])
    title = forms.CharField(max_length=TITLE_CHARS)
    purpose = forms.CharField(max_length=PURPOSE_CHARS)
    ends_at = moment("Ends", required=False)
    terms = forms.CharField(max_length=TERMS_CHARS, required=False, widget=forms.Textarea({"rows": 3}))

    def __init__(self, *args: Any, actor: Actor, is_bound_to_another: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_bound_to_another:
            del self.fields["partner"], self.fields["kind"]
        else:
            others = tenants().exclude(pk=actor.tenant_id)[:MOST_PARTNERS]
            self.fields["partner"].choices = [(other.pk, other.name) for other in others]


class ClauseForm(forms.Form):
    place = forms.ChoiceField(label="On")
    permissions = forms.MultipleChoiceField(
        label="The partner may", choices=list(SITE_PERMISSIONS.items()), widget=forms.CheckboxSelectMultiple
    )
    begins_at = moment("From")
    ends_at = moment("Until", required=False)
    purpose = forms.CharField(max_length=40, required=False, label="Only for the purpose")
    field_mask = forms.MultipleChoiceField(label="Hidden", required=False, widget=forms.CheckboxSelectMultiple)
    delay_min = forms.IntegerField(
        label="Delay in minutes", min_value=0, max_value=MOST_DELAY_S // MINUTE_S, required=False
    )
    floor_n = forms.IntegerField(
        label="Only figures over at least so many readings", min_value=0, max_value=MOST_FLOOR_N, required=False
    )
    price = forms.DecimalField(min_value=0, max_digits=15, decimal_places=3, required=False)
    price_per = forms.ChoiceField(label="Price for", choices=PRICES, required=False)

    def __init__(self, *args: Any, places: list[Any], currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["place"].choices = places
        self.fields["field_mask"].choices = [(name, name) for name in sorted(maskable(SITE_PERMISSIONS))]
        self.fields["price"].label = f"Price in {currency or 'the owner’s currency'}"

    @property
    def clause(self) -> dict[str, Any]:
        """As `with_places` takes it."""
        given = self.cleaned_data
        kind, _, key = given["place"].partition(":")
        price = given["price"]
        return {
            f"{kind}_id": UUID(key),
            "permissions": given["permissions"],
            "during": (given["begins_at"], given["ends_at"]),
            "purpose": given["purpose"],
            "field_mask": given["field_mask"],
            "delay_s": (given["delay_min"] or 0) * MINUTE_S,
            "floor_n": given["floor_n"] or 0,
            "price_minor": None if price is None else to_minor(price, self.currency),
            "price_per": given["price_per"],
        }


ClauseForms = forms.formset_factory(ClauseForm, extra=0, min_num=1, max_num=MOST_FORMS, validate_max=True)
# Where an action points → the form's field.
FIELDS = {"site": "place", "equipment": "place", "during": "ends_at", "delay_s": "delay_min", "price_minor": "price"}


def initial_of(clause: Any, currency: str) -> dict[str, Any]:
    price = clause.price_minor
    return {
        "place": f"site:{clause.site_id}" if clause.site_id else f"equipment:{clause.equipment_id}",
        "permissions": clause.permissions,
        "begins_at": clause.during.lower,
        "ends_at": clause.during.upper,
        "purpose": clause.purpose,
        "field_mask": clause.field_mask,
        "delay_min": clause.delay_s // MINUTE_S,
        "floor_n": clause.floor_n,
        "price": None if price is None else price / 10 ** DIGITS.get(currency, 2),
        "price_per": clause.price_per,
    }


def places_for(actor: Actor, agreement: Any) -> list[Any]:
    """The owner names any of its places, the partner those that it was offered."""
    if agreement is None or agreement.tenant_id == actor.tenant_id:
        return about_choices(actor)
    return [(f"{kind}:{key}", f"{place.code} {place.name}") for key, (kind, place) in places_offered(agreement).items()]


def show_refusal(refusal: Invalid, heading: forms.Form, clauses: Any) -> None:
    """Put the words beside the fields that they speak of."""
    for error in refusal.errors:
        match error.pointer.strip("/").split("/"):
            case ["clauses", index, *rest] if int(index) < len(clauses.forms):
                form, name = clauses.forms[int(index)], rest[0] if rest else ""
                name = FIELDS.get(name, name)
            case [name, *_]:
                form = heading
        form.add_error(name if name in form.fields else None, error.message)
    if not refusal.errors:
        heading.add_error(None, refusal.detail)
