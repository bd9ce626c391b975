"""What the organisation uses and what it costs: a month by day and meter, its statement, each use, the budget."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import alone, as_csv, drawn, one_of
from cloudmining.console.money import DIGITS, in_words, to_minor
from cloudmining.console.paging import page_of
from optimization.api import SMALL, Chart
from tenants.api import feed_head, tenants
from tenants.data import Invalid, NotFound
from tenants.metering import api as metering
from tenants.metering.api import METERS

TAB: Final = "console-usage"
MOST_MONTHS: Final = 12
LARGEST_CAP: Final = 10**12
SUBJECT_PAGES: Final = {"task": "console-task", "plan": "console-plan", "experiment": "console-study"}


class BudgetForm(forms.Form):
    """A cap in the currency's main unit; without one there is no budget."""

    cap = forms.DecimalField(min_value=0, max_value=LARGEST_CAP, max_digits=15, decimal_places=3, required=False)
    warn_percent = forms.IntegerField(label="Warn at this many percent of it", min_value=1, max_value=100, initial=80)
    stops = forms.BooleanField(label="New plans, experiments and exports are refused", required=False)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cap"].label = f"Cap for a month, in {currency}"


class UsagePage(MemberPage):
    """`?month=2026-11` names the month; the present one unless given."""

    needs = {"GET": "view_usage"}

    @property
    def month(self) -> date:
        text = self.request.GET.get("month")
        month = metering.month_of(datetime.now(UTC)) if text is None else metering.read_month(text)
        if month is None or not metering.is_billable(tenants().get(pk=self.actor.tenant_id), month):
            raise NotFound
        return month

    def charts(self) -> list[Chart]:
        """One for each meter that was used."""
        by_meter = metering.used_by_day(self.actor.tenant_id, *metering.bounds_of(self.month))
        return [_chart(meter, self.month, by_meter[meter]) for meter in METERS if meter in by_meter]


class Usage(UsagePage):
    def get(self, request: HttpRequest) -> TemplateResponse:
        return self.shown(head=feed_head())

    def shown(self, head: Any, form: BudgetForm | None = None) -> TemplateResponse:
        statement = metering.statement_of(self.actor.tenant_id, self.month)
        context = {
            "month": self.month,
            "months": _months(self.month),
            "statement": statement,
            "lines": [_line(line, statement.currency) for line in statement.lines],
            "total": in_words(statement.total_minor or 0, statement.currency),
            "charts": [drawn(chart, self.place_of(chart), SMALL) for chart in self.charts()],
            "budget": _budget(statement),
            "form": form or self.form(statement.currency),
            "may_budget": self.actor.can("manage_budget"),
        }
        return self.page("console/usage.html", tab=TAB, head=head, **context)

    def place_of(self, chart: Chart) -> str:
        return f"{reverse('console-usage-figure', args=[chart.name])}?month={self.month:%Y-%m}"

    def form(self, currency: str) -> BudgetForm:
        kept = metering.budget_of(self.actor.tenant_id)
        if kept is None:
            return BudgetForm(currency=currency, initial={"stops": True})
        cap = Decimal(kept.cap_minor).scaleb(-DIGITS.get(currency, 2))
        return BudgetForm(
            currency=currency,
            initial={"cap": cap, "warn_percent": int(100 * kept.warn_frac), "stops": kept.stops},
        )


class PutBudget(Usage):
    needs = {"POST": "manage_budget"}

    def post(self, request: HttpRequest) -> HttpResponse:
        currency = tenants().get(pk=self.actor.tenant_id).currency
        form = BudgetForm(request.POST, currency=currency)
        if not form.is_valid():
            return self.shown(head=feed_head(), form=form)
        given = form.cleaned_data
        if given["cap"] is None:
            metering.drop_budget()
        else:
            metering.set_budget(
                cap_minor=to_minor(given["cap"], currency),
                warn_frac=Decimal(given["warn_percent"]) / 100,
                stops=given["stops"],
            )
        return redirect(TAB)


class UsageEvents(UsagePage):
    """The uses that a line of a statement is the sum of."""

    def get(self, request: HttpRequest) -> TemplateResponse:
        meter, month = request.GET.get("meter", ""), self.month
        if meter not in METERS:
            raise Invalid("There is no such meter.")
        rows = metering.within(metering.usage_events(), meter=meter, month=f"{month:%Y-%m}")
        told = {"meter": meter, "words": METERS[meter], "month": month, **page_of(request, rows)}
        told["rows"] = [(use, _plain(use.quantity), _place(use)) for use in told["rows"]]
        return self.page("console/usage_events.html", tab=TAB, head=feed_head(), **told)


class UsageFigure(UsagePage):
    """One meter alone, for zooming and saving it."""

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        chart = one_of(self.charts(), name)
        return alone(request, chart.title, chart.figure)


class UsageFigureCsv(UsagePage):
    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        chart = one_of(self.charts(), name)
        return as_csv(f"{name}-{self.month:%Y-%m}", chart.headers, chart.rows)


def _place(use: Any) -> str:
    """Where what it was for is shown; nowhere for what has no page."""
    page = SUBJECT_PAGES.get(use.subject_kind)
    return reverse(page, args=[use.subject_id]) if page else ""


def _chart(meter: str, month: date, by_day: Mapping[date, Decimal]) -> Chart:
    """A bar for each day of the month."""
    words = METERS[meter]
    days = [month + timedelta(days=n) for n in range((metering.month_after(month) - month).days)]
    ys = [float(by_day.get(day, 0)) for day in days]
    trace = {"type": "bar", "name": words.label, "x": [str(day.day) for day in days], "y": ys, "width": 0.8}
    layout = {
        "title": {"text": f"{words.label} by day"},
        "xaxis": {"title": {"text": f"day of {month:%B %Y} (UTC)"}},
        "yaxis": {"title": {"text": words.unit}},
        "template": "plotly_white",
        "showlegend": False,
    }
    rows = [(day.isoformat(), by_day.get(day, Decimal())) for day in days]
    return Chart(meter, "usage", {"data": [trace], "layout": layout}, ("Day (UTC)", words.unit), rows)


def _line(line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """A line of a statement in words; the prices are those of the parts that cost something."""
    words = METERS[line["meter"]]
    return {
        "meter": line["meter"],
        "label": words.label,
        "unit": words.unit,
        "quantity": _plain(line["quantity"]),
        "free": _plain(line["free"]),
        "prices": [_price(part, currency) for part in line["parts"] if part["price_minor"]],
        "amount": in_words(line["amount_minor"], currency),
    }


def _price(part: Mapping[str, Any], currency: str) -> str:
    return f"{in_words(part['price_minor'], currency)} for each {part['per']:,} above {part['above']:,}"


def _plain(quantity: Decimal | str) -> str:
    """`12,500` or `3.25`: no digits that say nothing."""
    return f"{Decimal(quantity):,.3f}".rstrip("0").rstrip(".")


def _budget(statement: Any) -> dict[str, Any] | None:
    """How far the month has come of its cap; None for a month that is over, or without a budget."""
    kept = metering.budget_of(statement.tenant_id)
    if kept is None or statement.closed_at is not None:
        return None
    used = statement.total_minor or 0
    tone = "bad" if used >= kept.cap_minor else "medium" if used >= kept.cap_minor * kept.warn_frac else "good"
    return {
        "cap": in_words(kept.cap_minor, statement.currency),
        "cap_minor": kept.cap_minor,
        "used_minor": min(used, kept.cap_minor),
        "percent": None if kept.cap_minor == 0 else round(100 * used / kept.cap_minor),
        "tone": tone,
        "stops": kept.stops,
        "resets_at": metering.bounds_of(statement.month)[1],
    }


def _months(shown: date) -> list[date]:
    """The newest months to choose from, the one shown among them."""
    kept = set(metering.statements().order_by("-month").values_list("month", flat=True)[:MOST_MONTHS])
    return sorted(kept | {shown, metering.month_of(datetime.now(UTC))}, reverse=True)
