"""What a person fills in about a firm, a task's needs and who is sent: lists one a line, in words apart by blanks."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.utils import timezone

from cloudmining.console.money import in_words, to_minor
from marketplace.crew import api as crew
from marketplace.data import CATEGORIES
from marketplace.profiles import api as profiles
from marketplace.profiles.api import Machines, NeedTerms, Paper, ProfileTerms, RateLine
from tenants.api import require
from tenants.data import Invalid
from tenants.resources.api import Window, active_persons, get_person

LIST_CHARS = 20_000
MOST_CHOICES = 500
MOST_AMOUNT = Decimal(10) ** 13
REGIONS = "Countries you work in, by their two letters: CN AU CL"
RATES = "Rates, one a line: category, minute or hour or day or job, amount, currency (planning day 850.00 USD)"
MACHINES = "Machines you work with, one kind a line: kind, how many (pump 3)"
PAPERS = "Certificates of the firm, one a line: kind, issued, expires or -, issuer (iso9001 2024-05-01 2027-04-30 TÜV)"
NOBODY = "nobody is registered yet: Organisation, People and stock"
NEEDS = "People it takes, one kind a line: how many, skill or -, level, certificate or - (2 welding 3 hot-work)"


class LinesField(forms.CharField):
    """Lines, each read by `read` from its words; a bad one is named by its number."""

    def __init__(self, read: Callable[[list[str]], Any], **kwargs: Any) -> None:
        box = forms.Textarea({"rows": 3, "spellcheck": "false"})
        super().__init__(required=False, strip=False, max_length=LIST_CHARS, widget=box, **kwargs)
        self.read = read

    def clean(self, value: Any) -> tuple[Any, ...]:
        found = []
        for number, line in enumerate(super().clean(value).splitlines(), 1):
            try:
                found += [self.read(line.split())] if line.strip() else []
            except (ValueError, ArithmeticError):
                raise forms.ValidationError(f"Line {number} can't be read: write it as shown above.") from None
        return tuple(found)


class TermsForm(forms.Form):
    """`terms` are what the marketplace takes; its refusals are put beside the fields they speak of."""

    def add_refusal(self, refusal: Invalid) -> None:
        for error in refusal.errors:
            name, _, rest = error.pointer.strip("/").partition("/")
            place = name if name in self.fields else None
            line = f"Line {int(rest.split('/')[0]) + 1}: " if rest[:1].isdigit() else ""
            self.add_error(place, f"{line}{error.message}")
        if not refusal.errors:
            self.add_error(None, refusal.detail)


def _rate(words: list[str]) -> RateLine:
    category, unit, said, currency = words
    amount = Decimal(said)
    if not abs(amount) < MOST_AMOUNT:
        raise ValueError("no amount of money")
    return RateLine(category, unit, to_minor(amount, currency.upper()), currency.upper())


def _machines(words: list[str]) -> Machines:
    kind, n = words
    return Machines(kind, int(n))


def _paper(words: list[str]) -> Paper:
    kind, issued_on, expires_on, *issuer = words
    until = None if expires_on == "-" else date.fromisoformat(expires_on)
    return Paper(kind, date.fromisoformat(issued_on), until, " ".join(issuer))


def _need(words: list[str]) -> NeedTerms:
    people_n, skill, level, certificate = words
    return NeedTerms(int(people_n), skill.strip("-"), int(level), certificate.strip("-"))


class ProfileForm(TermsForm):
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    about = forms.CharField(max_length=5_000, required=False, widget=forms.Textarea({"rows": 4}))
    visibility = forms.ChoiceField(label="Shown to", choices=list(profiles.VISIBILITIES.items()))
    categories = forms.MultipleChoiceField(
        label="Work you do", required=False, choices=list(CATEGORIES.items()), widget=forms.CheckboxSelectMultiple
    )
    regions = forms.CharField(label=REGIONS, max_length=1_200, required=False)
    rates = LinesField(_rate, label=RATES)
    machines = LinesField(_machines, label=MACHINES)
    certificates = LinesField(
        _paper,
        label=PAPERS,
    )

    @property
    def terms(self) -> ProfileTerms:
        said = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        regions = tuple(said["regions"].upper().replace(",", " ").split())
        return ProfileTerms(**{**said, "categories": tuple(said["categories"]), "regions": regions})

    @staticmethod
    def initial_of(profile: Any) -> dict[str, Any]:
        """What the fields hold of a profile that was saved before."""
        if profile is None:
            return {"visibility": "hidden"}
        papers = ((p["kind"], p["issued_on"], p["expires_on"] or "-", p["issuer"]) for p in profile.certificates)
        return {
            "version": profile.version,
            "about": profile.about,
            "visibility": profile.visibility,
            "categories": profile.categories,
            "regions": " ".join(profile.regions),
            "rates": _lines((r["category"], r["unit"], *_amount(r)) for r in profile.rates),
            "machines": _lines((m["kind"], m["n"]) for m in profile.machines),
            "certificates": _lines(papers),
        }


class NeedsForm(TermsForm):
    needs = LinesField(
        _need,
        label=NEEDS,
    )

    @property
    def terms(self) -> tuple[NeedTerms, ...]:
        return tuple(self.cleaned_data["needs"])

    @staticmethod
    def initial_of(needs: Iterable[Any]) -> dict[str, Any]:
        return {"needs": _lines((n.people_n, n.skill or "-", n.level, n.certificate or "-") for n in needs)}


class AssignForm(TermsForm):
    """Made inside the actor's transaction; what is typed is in the organisation's own time."""

    person = forms.ChoiceField(label="Who")
    need = forms.ChoiceField(label="For", required=False)
    from_at = forms.DateTimeField(label="From")
    to_at = forms.DateTimeField(label="Until")

    def __init__(self, *args: Any, task: Any, time_zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.time_zone = time_zone
        self.fields["person"].choices = [(str(row.pk), str(row)) for row in people()] or [("", NOBODY)]
        wanted = list(profiles.needs_of(task))
        self.fields["need"].choices = [(str(row.pk), str(row)) for row in wanted] or [("", "the task as a whole")]
        for end in ("from_at", "to_at"):
            self.fields[end].widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def full_clean(self) -> None:
        with timezone.override(self.time_zone):
            super().full_clean()

    def carry_out(self, task: Any) -> None:
        said = self.cleaned_data
        need = crew.get_need(task, UUID(said["need"])) if said["need"] else None
        window = Window(said["from_at"], said["to_at"])
        crew.assign_person(task=task, person=get_person(UUID(said["person"])), window=window, need=need)


def people() -> Any:
    """Own people who may be sent or shown."""
    require("view_resources")
    return active_persons(datetime.now(UTC).date()).filter(erased_at=None).order_by("code")[:MOST_CHOICES]


def _amount(rate: dict[str, Any]) -> tuple[str, str]:
    amount, currency = in_words(rate["amount_minor"], rate["currency"]).replace(",", "").split()
    return amount, currency


def _lines(rows: Iterable[tuple[Any, ...]]) -> str:
    return "\n".join(" ".join(map(str, row)).strip() for row in rows)
