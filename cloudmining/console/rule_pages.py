"""Kept rules: the list with what gateways judge by, the editor, one rule with its versions and backtests."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage, refusal_words
from cloudmining.console.charts import alone, as_csv, drawn
from cloudmining.console.label_forms import lines_of, read_labels, text_of_file
from cloudmining.console.paging import page_of, uuid_of
from cloudmining.console.rule_forms import SEVERITIES, fields_as_typed, fields_of, inputs_of, settings_of
from edge_bridge.catalogue import api as keeping
from optimization.api import DARK, MARKABLE, Chart
from tenants.api import feed_head, get_site, sites
from tenants.data import Conflict, FieldError, Invalid, NotFound

TAB: Final = "console-rules"
MOST_SITES: Final = 100
MOST_GATEWAYS: Final = 50
MOST_TRIALS: Final = 20
MOST_KNOWN: Final = 100
TONES: Final = {"enabled": "good", "backtested": "medium", "done": "good", "failed": "bad"}
GREEN, RED = "#2ca02c", "#d62728"
SYMBOLS: Final = {"raised": "x", "known": "diamond"}
SAME: Final = "same"  # the time of the backtest before
SPANS_D: Final = {"1": "a day", "7": "a week", "31": "a month"}


class RuleList(MemberPage):
    needs = {"GET": "view_alarms", "POST": "manage_rules"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        head, page = feed_head(), page_of(request, keeping.rules())
        page["rows"] = [(rule, TONES.get(rule.stage, "")) for rule in page["rows"]]
        return self.page(
            "console/rules.html",
            tab=TAB,
            head=head,
            gateways=keeping.current_reports(MOST_GATEWAYS),
            sites=own_sites(self.actor.tenant_id),
            kinds=keeping.kinds(),
            templates=[template for template in keeping.templates().values() if template.kinds],
            may_manage=self.actor.can("manage_rules"),
            **page,
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Rules from a template."""
        site = get_site(uuid_of(request.POST.get("site", "")), needs="manage_rules")
        asked = {"key": request.POST.get("template", ""), "kind": request.POST.get("kind", "limits")}
        keeping.make_rules_from_template(site=site, sensors=(), **asked)
        return redirect(TAB)


class RuleEditor(MemberPage):
    """A new rule of the kind that `?kind=` names."""

    needs = {"GET": "manage_rules", "POST": "manage_rules"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        kind = kind_of(request.GET.get("kind", "limits"))
        return self.editor(kind, fields=fields_of(kind, {}))

    def post(self, request: HttpRequest) -> HttpResponse:
        """A rule that can't be made stays in the form, as it was typed."""
        given = request.POST
        kind, site = kind_of(given.get("kind", "")), get_site(uuid_of(given.get("site", "")), needs="manage_rules")
        try:
            with transaction.atomic():
                said = {"settings": settings_of(kind, given), "note": given.get("note", "")}
                rule = keeping.make_rule(site=site, name=given.get("name", "").strip(), **said)
        except (Invalid, Conflict) as refusal:
            typed = {"settings": given.dict(), "inputs": given.get("inputs", ""), "problem": refusal_words(refusal)}
            answer = self.editor(kind, fields=fields_as_typed(kind, given), **typed)
            answer.status_code = refusal.status
            return answer
        return redirect("console-rule", rule.pk)

    def editor(self, kind: Any, **form: Any) -> TemplateResponse:
        places, most = own_sites(self.actor.tenant_id), keeping.MAX_RULE_NAME_CHARS
        shown = {"kind": kind, "severities": SEVERITIES, "sites": places, "longest_name": most}
        return self.page("console/rule_editor.html", tab=TAB, **shown, **form)


class RulePage(MemberPage):
    needs = {"GET": "view_alarms"}
    template = "console/rule.html"

    def get(self, request: HttpRequest, rule_id: UUID) -> TemplateResponse:
        head, rule = feed_head(), keeping.get_rule(rule_id)
        rows = list(keeping.trials(rule).order_by("-pk")[:MOST_TRIALS])
        done = next((trial for trial in rows if trial.status == "done"), None)
        newest, trial = rule.newest, done and keeping.get_trial(done.pk)
        kind = kind_of(newest.settings.get("kind", "limits"))
        return self.page(
            self.template,
            tab=TAB,
            head=head,
            rule=rule,
            newest=newest,
            unheard=keeping.unheard(newest),
            tone=TONES.get(rule.stage, ""),
            re_alarm_min=rule.re_alarm_s and rule.re_alarm_s // 60,
            versions=[(version, _words(version.settings)) for version in rule.versions.all()],
            trials=[(trial, TONES.get(trial.status, "")) for trial in rows],
            trial=trial,
            known=trial and _known(trial.result["known"]),
            labels=rows and lines_of(rows[0].asked["labels"], ZoneInfo(rule.site.time_zone)),
            is_only=bool(rows) and rows[0].asked["alarm_types"] == [],
            chart=done and self._chart(done.pk),
            spans=SPANS_D,
            kind=kind,
            fields=fields_of(kind, newest.settings),
            settings=newest.settings,
            inputs=inputs_of(newest.settings),
            severities=SEVERITIES,
            may_manage=self.actor.can("manage_rules") and rule.retired_at is None,
        )

    def _chart(self, trial_id: UUID) -> Any:
        return drawn(chart_of(trial_id), reverse("console-rule-figure", args=[trial_id]), DARK)


class RuleBody(RulePage):
    """All but the editor, as it stands now."""

    template = "console/_rule_body.html"


class RuleStep(MemberPage):
    """What the page's forms ask for; each action requires its own capability."""

    needs = {"POST": "manage_rules"}
    steps: ClassVar[dict[str, Any]] = {
        "enable": lambda rule, given: keeping.enable_rule(
            rule=rule, n=whole(given.get("version", "")), reason=given.get("reason", "")
        ),
        "disable": lambda rule, given: keeping.disable_rule(rule=rule, reason=given.get("reason", "")),
        "calls": lambda rule, given: keeping.set_calls(
            rule=rule,
            is_safety=given.get("safety") == "safety",
            re_alarm_s=_minutes(given.get("minutes", "")),
            reason=given.get("reason", ""),
        ),
        "retire": lambda rule, given: keeping.retire_rule(rule=rule, reason=given.get("reason", "")),
        "change": lambda rule, given: keeping.change_rule(
            rule=rule, settings=settings_of(kind_of(given.get("kind", "")), given), note=given.get("note", "")
        ),
        "backtest": lambda rule, given: keeping.request_trial(rule=rule, n=None, **_asked(rule, given)),
        "cancel": lambda rule, given: keeping.cancel_trial(trial=keeping.get_trial(uuid_of(given.get("trial", "")))),
    }

    def post(self, request: HttpRequest, rule_id: UUID, step: str) -> HttpResponse:
        if step not in self.steps:
            raise NotFound
        given = request.POST.copy()
        given["file"] = text_of_file(request.FILES.get("file"))
        self.steps[step](keeping.get_rule(rule_id, needs="manage_rules"), given)
        return redirect("console-rule-body" if request.htmx else "console-rule", rule_id)


class TrialFigure(MemberPage):
    """The chart alone."""

    needs = {"GET": "view_alarms"}

    def get(self, request: HttpRequest, trial_id: UUID) -> HttpResponse:
        chart = chart_of(trial_id)
        return alone(request, chart.title, chart.figure)


class TrialCsv(MemberPage):
    needs = {"GET": "view_alarms"}

    def get(self, request: HttpRequest, trial_id: UUID) -> HttpResponse:
        chart = chart_of(trial_id)
        return as_csv("backtest", chart.headers, chart.rows)


def own_sites(tenant_id: UUID) -> list[Any]:
    return list(sites().filter(tenant=tenant_id).order_by("name")[:MOST_SITES])


def kind_of(name: str) -> dict[str, Any]:
    found = next((kind for kind in keeping.kinds() if kind["kind"] == name), None)
    if found is None:
        raise NotFound
    return found


def whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def chart_of(trial_id: UUID) -> Chart:
    """Least and greatest values by hours before the end, the alarms raised, and what was known."""
    trial = keeping.get_trial(trial_id)
    found = trial.result
    if found is None:
        raise NotFound
    hours = [_hours(row[0], trial.until) for row in found["chart"]]
    lines = [("least", [row[1] for row in found["chart"]]), ("greatest", [row[2] for row in found["chart"]])]
    data: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "name": name, "x": hours, "y": values} for name, values in lines
    ]
    ends = [hours[0], hours[-1]] if hours else []
    data += [
        {"type": "scatter", "mode": "lines", "name": f"limit {limit:g}", "x": ends, "y": [limit, limit]}
        for limit in found["limits"]
        if hours
    ]
    top = max((row[2] for row in found["chart"]), default=0.0)
    data += _windows(found["known"], trial.until, top)
    for name, times in (("raised", found["raised_at"]), ("known", [each["due"] for each in found["known"]])):
        spots = [_hours(at, trial.until) for at in times]
        marker = {"symbol": SYMBOLS[name], "size": 9}
        dots = {"mode": "markers", "name": name, "marker": marker, "x": spots, "y": [top] * len(spots)}
        data += [{"type": "scatter", **dots}] if spots else []
    layout = {
        "title": {"text": f"Backtest of version {trial.version.n}: {found['hits']} of {found['n_known']} found"},
        "xaxis": {"title": {"text": f"hours before {trial.until:%d %b %H:%M} UTC"}},
        "yaxis": {"title": {"text": trial.version.settings["tag"]}},
        "template": "plotly_white",
        "meta": MARKABLE,
    }
    return Chart("backtest", "rules", {"data": data, "layout": layout}, ("Time", "Least", "Greatest"), found["chart"])


def _known(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    at = datetime.fromisoformat
    return [(at(row["start"]), at(row["end"]), row["words"], row["found"]) for row in rows[:MOST_KNOWN]]


def _windows(known: list[dict[str, Any]], until: datetime, top: float) -> list[dict[str, Any]]:
    """A stroke along the top for each window of what was known, the found ones in another colour."""
    strokes, named = [], set[str]()
    for each in known:
        name = "known, found" if each["found"] else "known, missed"
        line = {"color": GREEN if each["found"] else RED, "width": 5}
        x = [_hours(each["start"], until), _hours(each["end"], until)]
        look = {"type": "scatter", "mode": "lines", "line": line, "showlegend": name not in named}
        strokes.append({**look, "name": name, "x": x, "y": [top, top]})
        named.add(name)
    return strokes


def _hours(at: str, until: datetime) -> float:
    return round((datetime.fromisoformat(at) - until).total_seconds() / 3600, 4)


def _minutes(text: str) -> int | None:
    """In seconds; nothing says never."""
    if not text.strip():
        return None
    minutes = whole(text.strip())
    if minutes is None:
        raise Invalid("The time can't be read.", (FieldError("/minutes", "a whole number of minutes, or nothing"),))
    return 60 * minutes


def _words(settings: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, _said(value)) for name, value in sorted(settings.items())]


def _said(value: Any) -> str:
    match value:
        case {"value": limit, "severity": severity, "clear": clear}:
            return f"{limit:g}, {severity}, until back beyond {clear:g}"
        case {"value": limit, "severity": severity}:
            return f"{limit:g}, {severity}"
        case list():
            return ", ".join(f"{each['equipment']} {each['tag']}" for each in value)
        case _:
            return str(value)


def _asked(rule: Any, given: QueryDict) -> dict[str, Any]:
    """The time, what is known of it, and whether alarms of other rules are known as well."""
    zone = ZoneInfo(rule.site.time_zone)
    labels = [*read_labels(given.get("labels", ""), zone), *read_labels(given["file"], zone)]
    return {**_span(rule, given), "labels": labels, "alarm_types": () if given.get("known") == "labels" else None}


def _span(rule: Any, given: QueryDict) -> dict[str, Any]:
    days = given.get("days", "7")
    if days == SAME:
        before = keeping.trials(rule).order_by("-pk").first()
        if before is None:
            raise NotFound
        return {"since": before.since, "until": before.until}
    if days not in SPANS_D:
        raise NotFound
    until = datetime.now(UTC)
    return {"since": until - timedelta(days=int(days)), "until": until}
