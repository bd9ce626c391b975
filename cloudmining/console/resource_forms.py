"""What a person fills in to book somebody or something, to move stock, and to hand in a table."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone

from tenants.api import equipment, get_equipment, get_site, sites
from tenants.data import Actor, Invalid
from tenants.resources import api as resources

MOST_CHOICES = 500
MOST_FILE_BYTES = 1_000_000
USE, MANAGE = "use_resources", "manage_resources"


class ResourceForm(forms.Form):
    """Made inside the actor's transaction; `carry_out` does what was asked, or raises a refusal."""

    name: ClassVar[str]
    heading: ClassVar[str]
    button: ClassVar[str]
    needs: ClassVar[str] = USE

    def __init__(self, *args: Any, actor: Actor, time_zone: str, **kwargs: Any) -> None:
        super().__init__(*args, auto_id=f"{self.name}_%s", **kwargs)
        self.actor, self.time_zone = actor, time_zone
        self.fill()

    def fill(self) -> None:
        """Offer what the organisation has."""

    def carry_out(self) -> str:
        """In words, what was done."""
        raise NotImplementedError

    def own_sites(self) -> list[tuple[str, str]]:
        return _choices(sites().filter(tenant=self.actor.tenant_id))

    def site(self, field: str = "site") -> Any:
        return get_site(UUID(self.cleaned_data[field]), needs=USE)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if any(isinstance(value, str) and "\x00" in value for value in cleaned.values()):
            raise forms.ValidationError("The form holds a character that can't be kept.")
        return cleaned


class BookForm(ResourceForm):
    name, heading, button = "book", "Book somebody or something", "Book"

    about = forms.ChoiceField(label="Who or what")
    site = forms.ChoiceField(label="At")
    begins_at = forms.DateTimeField(label="From")
    ends_at = forms.DateTimeField(label="Until")
    purpose = forms.CharField(label="For", max_length=200)
    skill = forms.ChoiceField(label="Skill that the work needs", required=False)
    reference = forms.CharField(max_length=100, required=False)

    def fill(self) -> None:
        today = datetime.now(ZoneInfo(self.time_zone)).date()
        people = resources.active_persons(today).filter(erased_at=None).order_by("code")
        machines = equipment().filter(tenant=self.actor.tenant_id, status="in_service")
        self.fields["about"].choices = [
            ("People", _choices(people, "person:")),
            ("Equipment", _choices(machines, "equipment:")),
        ]
        self.fields["site"].choices = self.own_sites()
        self.fields["skill"].choices = [("", "none"), *_choices(resources.skills())]
        for end in ("begins_at", "ends_at"):
            self.fields[end].widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def full_clean(self) -> None:
        """What is typed is in the organisation's own time."""
        with timezone.override(self.time_zone):
            super().full_clean()

    def carry_out(self) -> str:
        given = self.cleaned_data
        kind, _, key = given["about"].partition(":")
        common = {
            "site": get_site(UUID(given["site"]), needs=USE),
            "window": resources.Window(given["begins_at"], given["ends_at"]),
            "purpose": given["purpose"],
            "reference": given["reference"],
        }
        if kind == "equipment":
            if given["skill"]:
                raise Invalid("Only people have skills.")
            resources.book_equipment(equipment=get_equipment(UUID(key), needs=USE), **common)
        else:
            skill = resources.get_skill(UUID(given["skill"])) if given["skill"] else None
            resources.book_person(person=resources.get_person(UUID(key)), skill=skill, **common)
        return f"Booked for {given['purpose']}."


class StockForm(ResourceForm):
    name, heading, button = "stock", "Move stock", "Move it"
    kinds: ClassVar[dict[str, Callable[..., Any]]] = {
        "receipt": resources.receive,
        "issue": resources.issue,
        "adjustment": resources.adjust,
    }

    kind = forms.ChoiceField(
        label="What happened",
        choices=[
            ("receipt", "Received"),
            ("issue", "Issued"),
            ("transfer", "Brought to another site"),
            ("adjustment", "Counted: more, or less with a minus"),
        ],
    )
    material = forms.ChoiceField()
    site = forms.ChoiceField(label="At")
    to_site = forms.ChoiceField(label="Brought to", required=False)
    quantity = forms.DecimalField(max_digits=15, decimal_places=3)
    reason = forms.CharField(max_length=200, required=False)
    reference = forms.CharField(max_length=100, required=False)

    def fill(self) -> None:
        places = self.own_sites()
        self.fields["site"].choices, self.fields["to_site"].choices = places, [("", "no other site"), *places]
        rows = resources.materials()[:MOST_CHOICES]
        self.fields["material"].choices = [(str(row.pk), f"{row} ({row.unit})") for row in rows]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("kind") == "transfer" and not cleaned.get("to_site"):
            self.add_error("to_site", "Name the site it was brought to.")
        return cleaned

    def carry_out(self) -> str:
        given = self.cleaned_data
        said = {name: given[name] for name in ("quantity", "reason", "reference")}
        material = resources.get_material(UUID(given["material"]))
        if given["kind"] == "transfer":
            places = {"from_site": self.site(), "to_site": self.site("to_site")}
            resources.transfer(**places, material=material, **said)
        else:
            self.kinds[given["kind"]](site=self.site(), material=material, **said)
        return f"{material}: moved."


class TableForm(ResourceForm):
    name, heading, button, needs = "table", "Hand in a table", "Take the table", MANAGE
    takes: ClassVar[dict[str, Callable[..., Any]]] = {
        "persons": resources.take_persons,
        "certificates": resources.take_certificates,
        "stock": lambda text: resources.take_stock(text, reason="stock count"),
    }

    table = forms.ChoiceField(
        choices=[("persons", "People"), ("certificates", "Certificates"), ("stock", "Stock as it was counted")]
    )
    file = forms.FileField(label="CSV file", widget=forms.ClearableFileInput({"accept": ".csv,text/csv"}))

    def clean_file(self) -> str:
        given = self.cleaned_data["file"]
        if given.size > MOST_FILE_BYTES:
            raise forms.ValidationError(f"Send at most {MOST_FILE_BYTES:,} bytes.")
        try:
            return str(given.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise forms.ValidationError("The file is not UTF-8; save it as UTF-8.") from None

    def carry_out(self) -> str:
        taken = self.takes[self.cleaned_data["table"]](self.cleaned_data["file"])
        return f"{taken['added']} added, {taken['changed']} changed, {taken['same']} the same."


FORMS = {form.name: form for form in (BookForm, StockForm, TableForm)}


def _choices(rows: Any, prefix: str = "") -> list[tuple[str, str]]:
    return [(f"{prefix}{row.pk}", str(row)) for row in rows[:MOST_CHOICES]]
