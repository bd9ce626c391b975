"""What a person fills in to post a service task."""

from decimal import Decimal
from typing import Any, ClassVar, Final
from uuid import UUID

from django import forms

from cloudmining.console.money import DIGITS, to_minor
from marketplace.data import (
    ACCESS_H,
    CATEGORIES,
    DESCRIPTION_CHARS,
    FREEZE_H,
    MILESTONES,
    MODES,
    OPENERS,
    STANDSTILL_H,
    TITLE_CHARS,
    VISIBILITIES,
    WARRANTY_D,
    TaskTerms,
)
from marketplace.desk.api import terms_of
from tenants.agreements.api import agreements
from tenants.api import equipment, sites, tenants
from tenants.data import Actor, FieldError, Invalid, Refusal
from tenants.roles import SITE_PERMISSIONS

ABOUT_LIMIT = 500
RULE: Final = ("tag", "op", "limit", "upper", "for_h")
COUNTS: Final = ("openers_needed", "standstill_h", "warranty_d")


def moment(label: str, **more: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=f"{label} (UTC)", widget=widget, **more)


def whole(label: str, least: int, most: int, initial: int) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, initial=initial, required=False)


class TaskForm(forms.Form):
    """Made inside the actor's transaction: the choices are what the actor's organisation owns and may open.

    A field that is left empty, or out, says what the terms say without it.
    """

    about = forms.ChoiceField(label="About")
    freeze_h = whole("Show the machine's readings of the last hours, as they are now (0: none)", 0, FREEZE_H, 0)
    title = forms.CharField(max_length=TITLE_CHARS)
    category = forms.ChoiceField(choices=list(CATEGORIES.items()))
    description = forms.CharField(max_length=DESCRIPTION_CHARS, required=False, widget=forms.Textarea({"rows": 4}))
    opens = forms.MultipleChoiceField(
        label="The firm that does the work may", required=False, widget=forms.CheckboxSelectMultiple
    )
    access_h = forms.IntegerField(label="For how many hours", min_value=1, max_value=ACCESS_H, initial=72)
    fee = forms.DecimalField(min_value=0, max_digits=15, decimal_places=3, initial=0)
    mode = forms.ChoiceField(label="How it finds its firm", choices=list(MODES.items()), required=False)
    visibility = forms.ChoiceField(label="Who sees it", choices=list(VISIBILITIES.items()), required=False)
    invited = forms.MultipleChoiceField(label="Invited", required=False, widget=forms.SelectMultiple({"size": 5}))
    framework = forms.ChoiceField(label="Called off the framework agreement", required=False)
    bids_until = moment("Bids until", required=False)
    openers_needed = whole("Persons who open sealed bids together", 1, OPENERS, 1)
    standstill_h = whole("Standstill after the award, in hours", 0, STANDSTILL_H, 0)
    milestones = forms.CharField(
        label="Milestones, one a line: share in percent; days from the contract; what is done",
        required=False,
        widget=forms.Textarea({"rows": 3, "placeholder": "40; 20; Drawings"}),
    )
    retention = forms.DecimalField(
        label="Kept back until the end of warranty, in percent",
        min_value=0,
        max_value=50,
        decimal_places=2,
        required=False,
        initial=0,
    )
    warranty_d = whole("Warranty in days", 0, WARRANTY_D, 0)
    tag = forms.CharField(label="Accepted when the tag", max_length=100, required=False)
    op = forms.ChoiceField(label="is", choices=[(op, op) for op in ("below", "above", "between")], required=False)
    limit = forms.FloatField(label="the limit", required=False)
    upper = forms.FloatField(label="and, if between, the upper limit", required=False)
    for_h = forms.FloatField(label="for so many hours", min_value=0, required=False)
    SECTIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        "What is needed": ("about", "freeze_h", "title", "category", "description"),
        "Who sees it and how a firm is found": (
            *("mode", "visibility", "invited", "framework", "bids_until", "openers_needed", "standstill_h"),
        ),
        "What the firm is given": ("opens", "access_h", "fee"),
        "How the work is judged and paid": (
            *("milestones", "retention", "warranty_d", "tag", "op", "limit", "upper", "for_h"),
        ),
    }

    def __init__(self, *args: Any, actor: Actor, currency: str, alarm: Any = None, draft: Any = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["fee"].label = f"Fee in {currency}"
        self.fields["about"].choices = about_choices(actor, alarm)
        self.fields["opens"].choices = [(name, words) for name, words in SITE_PERMISSIONS.items() if actor.can(name)]
        others = tenants().exclude(pk=actor.tenant_id).order_by("name")[:ABOUT_LIMIT]
        self.fields["invited"].choices = [(str(other.pk), other.name) for other in others]
        frameworks = agreements(status="active", kind="framework")[:ABOUT_LIMIT]
        ours = [each for each in frameworks if each.tenant_id == actor.tenant_id]
        words = [(str(each.pk), f"{each.title}, with {each.partner_name}") for each in ours]
        self.fields["framework"].choices = [("", "none"), *words]
        # What of the rule the form does not ask for stays as it was.
        rule = (draft is not None and draft.acceptance) or {}
        self.kept = {name: value for name, value in rule.items() if name not in RULE}
        if draft is not None:
            del self.fields["about"], self.fields["freeze_h"]

    @property
    def sections(self) -> dict[str, list[forms.BoundField]]:
        return {words: [self[name] for name in names if name in self.fields] for words, names in self.SECTIONS.items()}

    @property
    def terms(self) -> TaskTerms:
        """The terms as the marketplace takes them; Invalid if it doesn't."""
        given = self.cleaned_data
        plain = {name: given[name] for name in ("title", "category", "description", "access_h", "bids_until")}
        chosen = {name: given[name] for name in ("mode", "visibility") if given[name]}
        counts = {name: given[name] for name in COUNTS if given[name] is not None}
        return TaskTerms(
            **plain | chosen | counts,
            opens=tuple(given["opens"]),
            invited=tuple(map(UUID, given["invited"])),
            framework=UUID(given["framework"]) if given["framework"] else None,
            fee_minor=to_minor(given["fee"], self.currency),
            currency=self.currency,
            milestones=milestones_of(given["milestones"]),
            retention_bp=round((given["retention"] or 0) * 100),
            acceptance=self._acceptance(),
        )

    def _acceptance(self) -> dict[str, Any] | None:
        given = self.cleaned_data
        if not given["tag"]:
            return None
        said = {name: given[name] for name in RULE if given[name] is not None}
        return self.kept | said | {"op": given["op"] or "below"}

    @property
    def place(self) -> dict[str, Any]:
        """`{"alarm_id": …}`, `{"equipment_id": …}` or `{"site_id": …}`, with the hours to freeze."""
        kind, _, key = self.cleaned_data["about"].partition(":")
        return {f"{kind}_id": UUID(key), "freeze_h": self.cleaned_data["freeze_h"] or 0}

    def add_refusal(self, refusal: Refusal) -> None:
        """Put the marketplace's words beside the fields they speak of."""
        for error in refusal.errors:
            parts = error.pointer.strip("/").split("/")
            name = parts[-1] if parts[0] == "acceptance" else parts[0]
            field = {"fee_minor": "fee", "retention_bp": "retention"}.get(name, name)
            self.add_error(field if field in self.fields else None, error.message)
        if not refusal.errors:
            self.add_error(None, refusal.detail)


def initial_of(task: Any) -> dict[str, Any]:
    """What the form of an own draft begins with."""
    terms, rule = terms_of(task), task.acceptance or {}
    return terms | {
        "fee": Decimal(task.fee_minor).scaleb(-DIGITS.get(task.currency, 2)),
        "retention": Decimal(task.retention_bp) / 100,
        "milestones": "\n".join(
            f"{each['share_bp'] / 100:g}; {each['due_d']}; {each['title']}" for each in task.milestones
        ),
        **{name: rule.get(name) for name in RULE},
        "opens": task.opens,
        "invited": [str(firm) for firm in terms["invited"]],
        "framework": str(terms["framework"] or ""),
    }


def milestones_of(text: str) -> list[dict[str, Any]]:
    """A line each, `40; 20; Drawings`; Invalid names the first line that can't be read."""
    found = []
    for n, line in enumerate(filter(str.strip, text.splitlines()[: MILESTONES + 1]), 1):
        share, _, rest = line.partition(";")
        due, _, title = rest.partition(";")
        try:
            share_bp = round(Decimal(share.strip().removesuffix("%")) * 100)
            found.append({"title": title.strip(), "share_bp": share_bp, "due_d": int(due)})
        except (ArithmeticError, ValueError):
            words = f"line {n}: write share; days; what is done, such as 40; 20; Drawings"
            raise Invalid("The milestones can't be read.", (FieldError("/milestones", words),)) from None
    return found


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
