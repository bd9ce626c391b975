"""One alarm with its why, its history and what may be done; who is called for alarms; how many there are."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, ClassVar, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import alone, as_csv, drawn
from cloudmining.console.paging import uuid_of
from cloudmining.console.panels import SEVERITIES, STATE_WORDS, acknowledgeable
from edge_bridge.alarm import UNACKNOWLEDGED_STATES, State
from edge_bridge.alarms import api as alarming
from edge_bridge.api import changes_of, get_alarm, series_of
from edge_bridge.catalogue.api import get_rule, rules
from edge_bridge.catalogue.data import kept_name
from marketplace.api import tasks_in
from optimization.api import DARK, Chart
from tenants.api import equipment, feed_head, get_site, granted, sites
from tenants.data import Actor, FieldError, Invalid, NotFound
from tenants.people.api import members
from tenants.roles import ROLES, capabilities_of

MOST_CHANGES: Final = 100
MOST_SITES: Final = 100
MOST_MEMBERS: Final = 200
MOST_RULES: Final = 300
PERIODS_D: Final = {"1": "a day", "7": "a week", "28": "four weeks"}
MOST_TASKS: Final = 5
ADDRESSED: Final = re.compile(r"to ((?:role|user):[\w-]+)")  # how a change says to whom an alarm went
STEP_LINE: Final = re.compile(r"\s*(\d{1,6})\s*s?\s*[:,→]?\s*(?:to\s+)?([\w.@+-]+)\s*")
VERDICTS: Final = {"acceptable": "good", "manageable": "medium", "overloaded": "bad"}


class AlarmPage(MemberPage):
    needs = {"GET": "view_alarms"}
    template = "console/alarm.html"

    def get(self, request: HttpRequest, alarm_id: UUID) -> TemplateResponse:
        head, alarm = feed_head(), get_alarm(alarm_id)
        is_own = alarm.tenant_id == self.actor.tenant_id
        shown: dict[str, Any] = {"alarm": alarm, "is_own": is_own, "may": _allowed(alarm, self.actor)}
        shown["state_words"] = STATE_WORDS[alarm.state_now]
        shown["members"] = _members() if "assign" in shown["may"] else {}
        people = _members() if is_own else {}
        shown["changes"] = [(each, _said(each, people)) for each in changes_of(alarm)[:MOST_CHANGES]]
        shown |= {"people": people, "escalated_to": _called(alarm.escalated_to or "", people)}
        shown["rule_page"] = is_own and _rule_page(alarm)
        shown["given_to"] = str(alarm.assigned_to_id)
        shown |= {"sensor": _sensor(alarm, self.actor), "tasks": _tasks_about(alarm, self.actor)}
        shown["may_post"] = is_own and self.actor.can("post_tasks")
        return self.page(self.template, tab="console-alarms", head=head, **shown)


class AlarmBody(AlarmPage):
    """The inside of the page, as it stands now."""

    template = "console/_alarm_body.html"


class AlarmStep(MemberPage):
    """What the page's forms ask for; each action requires its own capability."""

    needs = {"POST": "view_alarms"}
    steps: ClassVar[dict[str, Callable[[Any, QueryDict], Any]]] = {
        "acknowledge": lambda alarm, given: alarming.acknowledge_alarm(alarm=alarm, comment=given.get("comment", "")),
        "shelve": lambda alarm, given: alarming.shelve_alarm(
            alarm=alarm, until=_end_of(given.get("minutes", "")), reason=given.get("reason", "")
        ),
        "out-of-service": lambda alarm, given: alarming.take_out_of_service(
            alarm=alarm, reason=given.get("reason", "")
        ),
        "return": lambda alarm, given: alarming.return_alarm(alarm=alarm),
        "clear": lambda alarm, given: alarming.clear_by_hand(alarm=alarm, reason=given.get("reason", "")),
        "assign": lambda alarm, given: alarming.assign_alarm(
            alarm=alarm, user_id=uuid_of(given["user"]) if given.get("user") else None
        ),
        "comment": lambda alarm, given: alarming.comment_alarm(alarm=alarm, comment=given.get("comment", "")),
    }

    def post(self, request: HttpRequest, alarm_id: UUID, step: str) -> HttpResponse:
        if step not in self.steps:
            raise NotFound
        self.steps[step](get_alarm(alarm_id), request.POST)
        return redirect("console-alarm-body" if request.htmx else "console-alarm", alarm_id)


def _rule_page(alarm: Any) -> str:
    """Of the kept rule that raised it, also if it was retired since; another may have its name by now."""
    if alarm.rule_version is None:
        return ""
    named = rules(site=alarm.site_id, name=kept_name(alarm.rule), created_at__lte=alarm.received_at)
    rule = named.order_by("-pk").first()
    return reverse("console-rule", args=[rule.pk]) if rule else ""


def _sensor(alarm: Any, actor: Actor) -> Any:
    """The series that it is about, if the actor may see it."""
    if alarm.equipment is None or not alarm.tag or not actor.can("view_telemetry"):
        return None
    return series_of(alarm.equipment).filter(tag=alarm.tag, site=alarm.site_id).prefetch_related(None).first()


def _tasks_about(alarm: Any, actor: Actor) -> list[Any]:
    """Own ones, the newest first."""
    if not actor.can("view_tasks"):
        return []
    return list(tasks_in("own").filter(alarm=alarm.pk).order_by("-pk")[:MOST_TASKS])


def _said(change: Any, people: dict[str, str]) -> str | None:
    """The comment of a change, with names of whom the alarm went to; None if it is hidden."""
    return change.comment and ADDRESSED.sub(lambda found: f"to {_called(found[1], people)}", change.comment, count=1)


def _called(target: str, people: dict[str, str]) -> str:
    """To whom it was escalated, as people say it."""
    what, _, name = target.partition(":")
    return people.get(name, "a member of its owner") if what == "user" else f"every {name}"


def _allowed(alarm: Any, actor: Actor) -> dict[str, Any]:
    """The forms that are shown, by step."""
    is_own, state = alarm.tenant_id == actor.tenant_id, alarm.state_now
    is_silenced = state in (State.SHLVD, State.OOSRV)
    longest_min = int(alarming.LONGEST_SHELF[alarm.severity].total_seconds() // 60)
    shown = {
        "acknowledge": state in UNACKNOWLEDGED_STATES and acknowledgeable(actor)(alarm),
        "shelve": is_own and not is_silenced and actor.can("shelve_alarms") and _lengths(longest_min),
        "out-of-service": is_own and state != State.OOSRV and actor.can("manage_rules"),
        "return": is_own and is_silenced and actor.can("shelve_alarms"),
        "clear": is_own and alarm.stands and actor.can("manage_rules") and alarming.why_gone(alarm),
        "assign": is_own and state != State.NORM and actor.can("acknowledge_alarms"),
        "comment": actor.can("comment") and (is_own or alarm.site_id in granted("sites", "comment")),
    }
    return {step: what for step, what in shown.items() if what}


def _lengths(longest_min: int) -> list[tuple[int, str]]:
    return [
        (minutes, f"{minutes} min" if minutes < 60 else f"{minutes // 60} h")
        for minutes in (15, 30, 60, 240, 480, 1440)
        if minutes <= longest_min
    ]


def _end_of(minutes: str) -> datetime:
    """A little less, so that the longest shelf that is offered is also granted."""
    if not (minutes.isascii() and minutes.isdigit() and len(minutes) < 6):
        raise Invalid("Say how long.", (FieldError("/minutes", "a number of minutes"),))
    return datetime.now(UTC) + timedelta(minutes=int(minutes), seconds=-1)


def _members() -> dict[str, str]:
    """By id, those of the organisation whose role sees alarms."""
    rows = members().filter(user__is_active=True)[:MOST_MEMBERS]
    seeing = [row for row in rows if "view_alarms" in capabilities_of(frozenset(row.roles))]
    return {str(row.user_id): row.user.name or row.user.email for row in seeing}


# Who is called ------------------------------------------------------------------------------------------------------


class Policies(MemberPage):
    """Steps of escalation and suppressions by design: everybody sees them, managers change them."""

    needs = {"GET": "view_alarms", "POST": "manage_rules"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        places = _own_sites(self.actor)
        kept = [(site, list(alarming.rules_of(site.pk))) for site in places]
        return self.page(
            "console/alarm_policies.html",
            tab="console-alarm-policies",
            policies=_policies(self.actor, {site.pk: site.name for site in places}),
            usual=alarming.USUAL_STEPS,
            rules=[(site, found) for site, found in kept if found],
            sites=places,
            severities=SEVERITIES,
            states=alarming.STATES,
            silenceable=rules().filter(is_safety=False, retired_at=None).order_by("name")[:MOST_RULES],
            seeing=[role for role, capabilities in ROLES.items() if "view_alarms" in capabilities],
            may_manage=self.actor.can("manage_rules"),
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """One of the forms, named by its field `form`."""
        given = request.POST
        match given.get("form"):
            case "escalation":
                site = get_site(uuid_of(given["site"]), needs="manage_rules") if given.get("site") else None
                severity = given.get("severity", "")
                if severity not in SEVERITIES:
                    raise NotFound
                steps = _read_steps(given.get("steps", ""), _members())
                alarming.set_escalation(site=site, severity=severity, steps=steps)
            case "suppression":
                site = get_site(uuid_of(given.get("site", "")), needs="manage_rules")
                names = {name: given.get(name, "").strip()[:64] for name in ("cause", "effect")}
                if not all(names.values()):
                    raise Invalid("Say which alarm suppresses which, and why.")
                alarming.make_suppression(site=site, **names, reason=_reason(given))
            case "states":
                _suppress_in_states(given)
            case "end":
                alarming.end_suppression(rule=alarming.get_suppression_rule(uuid_of(given.get("rule", ""))))
            case _:
                raise NotFound
        return redirect("console-alarm-policies")


def _reason(given: QueryDict) -> str:
    reason = given.get("reason", "").strip()[:300]
    if not reason:
        raise Invalid("Say why.", (FieldError("/reason", "is missing"),))
    return reason


def _suppress_in_states(given: QueryDict) -> None:
    """Of a kept rule, or on a tag at a site, of the machine with a code if one is named."""
    said: dict[str, Any] = {"states": given.getlist("states"), "reason": _reason(given)}
    if given.get("rule"):
        rule = get_rule(uuid_of(given["rule"]), needs="manage_rules")
        alarming.suppress_in_states(site=rule.site, rule=rule, **said)
        return
    site, code = get_site(uuid_of(given.get("site", "")), needs="manage_rules"), given.get("equipment", "").strip()
    machine = equipment().filter(site=site, code=code).first() if code else None
    if code and machine is None:
        raise Invalid("There is no such machine.", (FieldError("/equipment", f"{code[:40]} is not at {site.name}"),))
    alarming.suppress_in_states(site=site, tag=given.get("tag", "").strip()[:64], equipment=machine, **said)


def _own_sites(actor: Actor) -> list[Any]:
    return list(sites().filter(tenant=actor.tenant_id).order_by("name")[:MOST_SITES])


def _policies(actor: Actor, names: dict[UUID, str]) -> list[dict[str, Any]]:
    people = _members()
    steps = sorted(alarming.steps_of(actor.tenant_id), key=_place_of)
    return [
        {
            "site": names.get(site, "") if site else "",
            "severity": severity,
            "steps": [
                (step.after_s, step.role or people.get(str(step.user_id), "somebody who left")) for step in found
            ],
        }
        for (site, severity), found in (((key[0], key[2]), list(group)) for key, group in _grouped(steps))
    ]


def _place_of(step: Any) -> tuple[Any, ...]:
    return step.site_id is not None, str(step.site_id), SEVERITIES.index(step.severity), step.after_s


def _grouped(steps: Sequence[Any]) -> list[tuple[tuple[Any, Any, str], list[Any]]]:
    keyed = groupby(steps, key=lambda step: (step.site_id, str(step.site_id), step.severity))
    return [(key, list(group)) for key, group in keyed]


def _read_steps(text: str, people: dict[str, str]) -> list[alarming.Step]:
    """A step a line: `300 manager`, or the name of a member; nothing lifts the policy."""
    by_name = {name.casefold().replace(" ", "."): UUID(user) for user, name in people.items()}
    steps = []
    for n, line in enumerate(filter(str.strip, text.splitlines()[:20])):
        found = STEP_LINE.fullmatch(line)
        if found is None or not (found[2] in ROLES or found[2].casefold() in by_name):
            message = "write seconds and then a role, or a member's name with dots for blanks: 300 manager"
            raise Invalid("A step can't be read.", (FieldError(f"/steps/{n}", message),))
        is_role = found[2] in ROLES
        who = {"role": found[2]} if is_role else {"user_id": by_name[found[2].casefold()]}
        steps.append(alarming.Step(int(found[1]), **who))
    return steps


# How many -----------------------------------------------------------------------------------------------------------


class HealthPage(MemberPage):
    """`?site=…&days=7`; the first own site and a week unless given."""

    needs = {"GET": "view_alarms"}

    def get(self, request: HttpRequest) -> HttpResponse:
        head, places = feed_head(), _own_sites(self.actor)
        if not places and "site" not in request.GET:
            return self.page("console/alarm_health.html", tab="console-alarm-health", head=head, sites=[])
        site, health = self.health(places)
        chart = drawn(_strip(health, site.name), f"{reverse('console-alarm-figure')}?{self.asked(site)}", DARK)
        context = {"site": site, "sites": places, "health": health, "chart": chart, "tone": VERDICTS[health.verdict]}
        context |= {"days": self.days, "periods": PERIODS_D, "asked": self.asked(site)}
        return self.page("console/alarm_health.html", tab="console-alarm-health", head=head, **context)

    @property
    def days(self) -> str:
        days = self.request.GET.get("days", "7")
        if days not in PERIODS_D:
            raise NotFound
        return days

    def asked(self, site: Any) -> str:
        return f"site={site.pk}&days={self.days}"

    def health(self, places: Sequence[Any] = ()) -> tuple[Any, alarming.Health]:
        named = self.request.GET.get("site")
        if not named and not places:
            raise NotFound
        site = get_site(uuid_of(named), needs="view_alarms") if named else places[0]
        until = datetime.now(UTC)
        since = until - timedelta(days=int(self.days))
        return site, alarming.alarm_health(site, since=since, until=until, tenant_id=self.actor.tenant_id)


class HealthFigure(HealthPage):
    """The strip alone."""

    def get(self, request: HttpRequest) -> HttpResponse:
        site, health = self.health()
        return alone(request, site.name, _strip(health, site.name).figure)


class HealthCsv(HealthPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        site, health = self.health()
        chart = _strip(health, site.name)
        return as_csv("alarm-health", chart.headers, chart.rows)


def _strip(health: alarming.Health, name: str) -> Chart:
    """Calls by the hour against what a person can take in."""
    hours = [n + 1 - len(health.hours) for n in range(len(health.hours))]
    limits = (("most one can manage", alarming.MANAGEABLE_PER_H), ("acceptable", alarming.ACCEPTABLE_PER_H))
    lines = [
        {"type": "scatter", "mode": "lines", "name": f"{words}, {n}/h", "x": [hours[0], hours[-1]], "y": [n, n]}
        for words, n in limits
    ]
    calls = [hour.calls for hour in health.hours]
    bars = {"type": "bar", "name": "calls", "x": hours, "y": calls, "width": 0.9}
    layout = {
        "title": {"text": f"Calls an hour at {name}"},
        "xaxis": {"title": {"text": f"hours from {health.hours[-1].begins_at:%d %b %H:%M} UTC"}},
        "yaxis": {"title": {"text": "calls"}},
        "template": "plotly_white",
    }
    rows = [(hour.begins_at.isoformat(), hour.calls) for hour in health.hours]
    return Chart("alarm-rate", "alarms", {"data": [bars, *lines], "layout": layout}, ("Hour (UTC)", "Calls"), rows)
