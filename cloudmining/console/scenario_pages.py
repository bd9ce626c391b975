"""Scenarios for planners: where their versions stand, and plans held against one another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import Drawn, alone, as_csv, drawn
from cloudmining.console.paging import page_of, uuid_of
from cloudmining.console.panels import card_of
from optimization import api as optimization
from optimization.api import MIDDLE, Chart, PlanStatus, Standing
from tenants.api import feed_head
from tenants.data import Actor, Invalid

MOST_COMPARED = 4
MOST_CHANGES = 60
MOST_IN_FORCE = 20


class ScenarioList(MemberPage):
    needs = {"GET": "view_plans"}
    template = "console/scenarios.html"

    def get(self, request: HttpRequest) -> TemplateResponse:
        head = feed_head()
        page = page_of(request, optimization.scenarios())
        found = optimization.standings(page["rows"])
        page["rows"] = [
            (scenario, [_row(each, self.actor) for each in found[scenario.pk]]) for scenario in page["rows"]
        ]
        in_force = optimization.releases().filter(is_in_force=True).order_by("-number")[:MOST_IN_FORCE]
        return self.page(self.template, head=head, tab="console-scenarios", in_force=in_force, **page)


class ScenarioRows(ScenarioList):
    """The inside of the list, as it stands now."""

    template = "console/_scenarios.html"


def _row(standing: Standing, actor: Actor) -> dict[str, Any]:
    """The version with the card of its plan, and the steps that the actor may take."""
    run, decision = standing.run, standing.decision
    row = {"version": standing.version, "words": standing.words, "decision": decision, "release": standing.release}
    if run is None:
        return {**row, "run": None}
    is_open = run.status == PlanStatus.SOLVED and decision is None
    is_own = run.requested_by_id is not None and run.requested_by_id == actor.user_id
    may_release = decision is not None and decision.is_approved and standing.release is None
    return {
        **row,
        **card_of(run, actor),
        "waits_for_colleague": is_open and is_own,
        "may_approve": is_open and not is_own and actor.can("approve_plans"),
        "may_release": may_release and actor.can("release_plans"),
    }


# Comparison ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Against:
    """What a plan does instead of the first: the bridge of costs, words, and the cut-offs that changed."""

    run: Any
    bridge: Drawn
    words: Sequence[str]
    cutoffs: Sequence[Any]
    n_cutoffs: int


class Compare(MemberPage):
    """`?run=` names two to four plans; the others are held against the first."""

    needs = {"GET": "view_plans"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        head, runs = feed_head(), _chosen(request)
        found = optimization.compared(runs)
        unsolved = [run for run in runs if run.plan is None]
        first = next((run for run in runs if run.plan is not None), None)
        against = [_against(first, runs[apart.k], apart) for apart in found.differences]
        context: dict[str, Any] = {"runs": runs, "figures": found.rows, "first": first, "unsolved": unsolved}
        return self.page("console/compare.html", head=head, tab="console-scenarios", against=against, **context)


class Bridge(MemberPage):
    """The bridge of costs alone."""

    needs = {"GET": "view_plans"}

    def get(self, request: HttpRequest) -> HttpResponse:
        chart = _bridge_of(*_pair(request))
        return alone(request, chart.title, chart.figure)


class BridgeCsv(MemberPage):
    needs = {"GET": "view_plans"}

    def get(self, request: HttpRequest) -> HttpResponse:
        chart = _bridge_of(*_pair(request))
        return as_csv("cost-bridge", chart.headers, chart.rows)


def _chosen(request: HttpRequest) -> list[Any]:
    ids = list(dict.fromkeys(uuid_of(text) for text in request.GET.getlist("run")[: 4 * MOST_COMPARED]))
    if not 2 <= len(ids) <= MOST_COMPARED:
        raise Invalid(f"Choose two to {MOST_COMPARED} plans to compare; {len(ids)} are chosen.")
    return optimization.whole_plans(ids)


def _pair(request: HttpRequest) -> tuple[Any, Any]:
    first, second, *_ = _chosen(request)
    if not (first.cost_terms_usd and second.cost_terms_usd):
        raise Invalid("Both plans must be solved to compare what they cost.")
    return first, second


def _against(first: Any, second: Any, apart: Any) -> Against:
    cutoffs = apart.difference.cutoffs
    place = f"?run={first.pk}&run={second.pk}"
    picture = drawn(_bridge_of(first, second), reverse("console-bridge") + place, MIDDLE)
    return Against(second, picture, apart.words, cutoffs[:MOST_CHANGES], len(cutoffs))


def _bridge_of(first: Any, second: Any) -> Chart:
    names = (first.name, second.name) if first.name != second.name else (f"{first.name} (1)", f"{second.name} (2)")
    return optimization.bridge(first.cost_terms_usd, second.cost_terms_usd, names, "bridge")
