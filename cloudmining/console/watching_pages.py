"""What partners opened, watched as a whole: a maker's fleet over its customers, a supervisor's mines."""

from typing import Any, Final
from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import alone, as_csv, drawn, one_of
from cloudmining.console.ledger_pages import saved
from cloudmining.console.paging import uuid_of
from cloudmining.console.panels import STATE_WORDS
from edge_bridge.watching.api import MOST_SENSORS, FleetHealth, GapLog, SensorLog, fleet_health, gap_log, oversight
from optimization.api import Chart
from tenants.data import NotFound
from tenants.ledger import api as ledger

DAYS: Final = {"7": "a week", "28": "four weeks", "91": "three months"}
GAP_DAYS: Final = {"1": "a day", "7": "a week", "31": "a month"}
GAP_COLUMNS: Final = ("site", "equipment", "tag", "known_since", "from", "to", "length_s", "state")
NO_GAP: Final[tuple[object, ...]] = ("", "", "", "")
HOURS: Final = {"1": "an hour", "6": "six hours", "24": "a day"}
MOST_MACHINES: Final = 25
MOST_FAULTS: Final = 12
SCALE: Final = [[0, "#fde0c5"], [1, "#b3242b"]]


class OfFleet(MemberPage):
    """`?days=28`."""

    needs = {"GET": "view_alarms"}

    @property
    def days(self) -> str:
        return _one_of(DAYS, self.request.GET.get("days", "28"))

    def fleet(self) -> FleetHealth:
        return fleet_health(days=int(self.days))


class FleetPage(OfFleet):
    def get(self, request: HttpRequest) -> HttpResponse:
        fleet = self.fleet()
        asked = f"days={self.days}"
        shown = [drawn(each, f"{reverse('console-fleet-figure', args=[each.name])}?{asked}") for each in charts(fleet)]
        left_out = max(0, len(fleet.machines) - MOST_MACHINES)
        context = {"fleet": fleet, "charts": shown, "days": self.days, "periods": DAYS, "left_out": left_out}
        return self.page("console/fleet.html", tab="console-fleet", **context)


class FleetFigure(OfFleet):
    """One chart alone."""

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        chart = one_of(charts(self.fleet()), name)
        return alone(request, chart.title, chart.figure)


class FleetCsv(OfFleet):
    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        chart = one_of(charts(self.fleet()), name)
        return as_csv(chart.name, chart.headers, chart.rows)


class OversightPage(MemberPage):
    """`?hours=6`, `&site=` for one mine alone, `&check=` whose ledger to verify."""

    needs = {"GET": "view_telemetry"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        hours = _one_of(HOURS, request.GET.get("hours", "6"))
        site = uuid_of(request.GET["site"]) if request.GET.get("site") else None
        mines = oversight(hours=int(hours), site_id=site)
        context = {"mines": mines, "hours": hours, "spans": HOURS, "most_sensors": MOST_SENSORS, "site": site}
        context["states"] = STATE_WORDS
        return self.page("console/oversight.html", tab="console-oversight", **context, **self._proof())

    def _proof(self) -> dict[str, Any]:
        """Whose ledgers may be verified here, and what is found of the one that was asked for."""
        if not self.actor.can("view_ledger"):
            return {}
        asked = self.request.GET.get("check")
        checked = uuid_of(asked) if asked else None
        verdict = ledger.verify_supervised(checked) if checked else None
        return {"supervised": ledger.supervised(), "checked": checked, "verdict": verdict}


class SupervisedProof(MemberPage):
    """Of the ledger of an organisation under one's mandate."""

    needs = {"GET": "view_ledger"}

    def get(self, request: HttpRequest, owner_id: UUID) -> FileResponse:
        return saved(ledger.bundle_supervised(owner_id), f"ledger-{owner_id}.zip")


class OfGaps(MemberPage):
    """`?days=7`, `&site=` for one mine alone, `&after=` the last sensor of the page before."""

    needs = {"GET": "view_telemetry"}

    @property
    def days(self) -> str:
        return _one_of(GAP_DAYS, self.request.GET.get("days", "7"))

    def asked(self, name: str) -> UUID | None:
        return uuid_of(self.request.GET[name]) if self.request.GET.get(name) else None

    def log(self) -> GapLog:
        return gap_log(days=int(self.days), site_id=self.asked("site"), after=self.asked("after"))


class GapsPage(OfGaps):
    def get(self, request: HttpRequest) -> TemplateResponse:
        asked = {"days": self.days, "site": self.asked("site"), "after": self.asked("after"), "spans": GAP_DAYS}
        return self.page("console/gaps.html", tab="console-oversight", log=self.log(), **asked)


class GapsCsv(OfGaps):
    """The stretches of the same sensors as the page, and those without any."""

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = [
            (*_named(each), *told)
            for each in self.log().sensors
            for told in [_told(stretch) for stretch in each.stretches] or [NO_GAP]
        ]
        return as_csv("gaps", GAP_COLUMNS, rows)


def _named(log: SensorLog) -> tuple[str, str, str, str]:
    return log.series.site.name, log.series.equipment.code, log.series.tag, log.known_since.isoformat()


def _told(stretch: Any) -> tuple[object, ...]:
    return stretch.from_at.isoformat(), stretch.to_at.isoformat(), stretch.length_s, str(stretch.state)


def _one_of(spans: dict[str, str], asked: str) -> str:
    if asked not in spans:
        raise NotFound
    return asked


def charts(fleet: FleetHealth) -> list[Chart]:
    """Faults only of a fleet that had some."""
    return [*([_heat(fleet)] if fleet.machines else []), *([_pareto(fleet)] if fleet.faults else [])]


def _heat(fleet: FleetHealth) -> Chart:
    machines = fleet.machines[:MOST_MACHINES]
    names = [_name(machine, fleet) for machine in machines]
    days = [f"{day:%d %b}" for day in fleet.days]
    counts = [[n or None for n in machine.counts] for machine in machines]
    most = max(n for machine in machines for n in machine.counts)
    hints = [
        [f"{name}, {day}: {n}" for day, n in zip(days, machine.counts, strict=True)]
        for name, machine in zip(names, machines, strict=True)
    ]
    trace: dict[str, Any] = {"type": "heatmap"}
    trace |= {"x": days, "y": names, "z": counts, "hovertext": hints, "hoverinfo": "text"}
    trace |= {"text": [[str(n or "") for n in machine.counts] for machine in machines], "texttemplate": "%{text}"}
    trace |= {"colorscale": SCALE, "zmin": 1, "zmax": max(2, most), "xgap": 2, "ygap": 2}
    trace["colorbar"] = {"tickvals": [1, max(2, most)], "ticktext": ["1", str(max(2, most))]}
    worst = f"{names[0]} had the most alarms: {machines[0].n}"
    layout = _layout(worst if most else f"None of {len(fleet.machines)} machines had an alarm", "day (UTC)", "")
    rows = [(name, *machine.counts) for name, machine in zip(names, machines, strict=True)]
    headers = ("Machine", *(str(day) for day in fleet.days))
    return Chart("machines-by-day", "fleet", {"data": [trace], "layout": layout}, headers, rows)


def _name(machine: Any, fleet: FleetHealth) -> str:
    """Customers may have machines of the same code, and a code may be hidden."""
    name = f"{machine.owner_name or 'hidden'} · {machine.code or 'hidden'}"
    alike = [each for each in fleet.machines if (each.owner_name, each.code) == (machine.owner_name, machine.code)]
    return name if len(alike) == 1 else f"{name} · {str(machine.equipment)[-4:]}"


def _pareto(fleet: FleetHealth) -> Chart:
    """The most frequent first, and the share of all up to each."""
    faults = fleet.faults[:MOST_FAULTS]
    names, counts = [fault.alarm_type for fault in faults], [fault.n for fault in faults]
    through = [100 * fault.through_frac for fault in faults]
    bars = {"type": "bar", "name": "alarms", "x": names, "y": counts}
    line: dict[str, Any] = {"type": "scatter", "mode": "lines+markers", "name": "share up to here", "x": names}
    line |= {"y": through, "marker": {"size": 6}, "yaxis": "y2"}
    right = {"title": {"text": "% of all"}, "overlaying": "y", "side": "right", "range": [0, 105], "showgrid": False}
    share_pct = 100 * faults[0].n / sum(fault.n for fault in fleet.faults)
    layout = _layout(f"{names[0]} makes {share_pct:.0f} % of all alarms", "type", "alarms") | {"yaxis2": right}
    rows = [(fault.alarm_type, fault.n, fault.n_machines, 100 * fault.through_frac) for fault in fleet.faults]
    headers = ("Type", "Alarms", "Machines", "Share up to here (%)")
    return Chart("faults", "fleet", {"data": [bars, line], "layout": layout}, headers, rows)


def _layout(title: str, across: str, up: str) -> dict[str, Any]:
    return {"title": {"text": title}, "xaxis": {"title": {"text": across}}, "yaxis": {"title": {"text": up}}}
