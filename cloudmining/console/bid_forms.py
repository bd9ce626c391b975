"""What a firm fills in to bid."""

from decimal import Decimal
from typing import Any

from django import forms

from cloudmining.console.money import DIGITS, to_minor
from marketplace.bids.api import BidContent
from marketplace.bids.data import DELIVERY_D, METHOD_CHARS, OFFER_CHARS, VALIDITY_D
from tenants.data import Invalid

LARGEST: Decimal = Decimal(10**13)


class BidForm(forms.Form):
    """`currency` is the task's, `milestones` its own."""

    price = forms.DecimalField(min_value=0, max_value=LARGEST, decimal_places=3)
    delivery_d = forms.IntegerField(label="Done within, days from the contract", min_value=1, max_value=DELIVERY_D)
    due_d = forms.CharField(required=False, max_length=400)
    validity_d = forms.IntegerField(label="The bid holds for, days", min_value=1, max_value=VALIDITY_D, initial=90)
    method = forms.CharField(
        label="How we do it", max_length=METHOD_CHARS, required=False, widget=forms.Textarea({"rows": 5})
    )
    people = forms.CharField(label="Who", max_length=OFFER_CHARS, required=False, widget=forms.Textarea({"rows": 2}))
    equipment = forms.CharField(
        label="With what", max_length=OFFER_CHARS, required=False, widget=forms.Textarea({"rows": 2})
    )

    def __init__(self, *args: Any, currency: str, milestones: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["price"].label = f"Price of all of it, in {currency}"
        titles = ", ".join(each["title"] for each in milestones)
        self.fields["due_d"].label = f"Own days of the milestones, with commas: {titles}"
        if not milestones:
            del self.fields["due_d"]

    def clean_due_d(self) -> tuple[int, ...]:
        words = [word.strip() for word in self.cleaned_data["due_d"].split(",") if word.strip()]
        if not all(word.isascii() and word.isdigit() and len(word) < 6 for word in words):
            raise forms.ValidationError("whole days with commas between them")
        return tuple(int(word) for word in words)

    @property
    def content(self) -> BidContent:
        """Invalid if the marketplace does not take it."""
        given = dict(self.cleaned_data)
        price_minor = to_minor(given.pop("price"), self.currency)
        return BidContent(price_minor=price_minor, currency=self.currency, **given)

    def add_refusal(self, refusal: Invalid) -> None:
        """Put the marketplace's words beside the fields they speak of."""
        for error in refusal.errors:
            field = error.pointer.strip("/").split("/")[0].replace("price_minor", "price")
            self.add_error(field if field in self.fields else None, error.message)


def initial_of(content: BidContent | None) -> dict[str, Any]:
    """The newest version, to change it."""
    if content is None:
        return {}
    price = Decimal(content.price_minor).scaleb(-DIGITS.get(content.currency, 2))
    due_d = ", ".join(map(str, content.due_d))
    kept = {name: getattr(content, name) for name in ("delivery_d", "validity_d", "method", "people", "equipment")}
    return {"price": price, "due_d": due_d, **kept}
