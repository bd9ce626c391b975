"""The planner's pages: the list of plans, one plan with everything that is known of it, its charts alone."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console import why
from cloudmining.console.base import MemberPage
from cloudmining.console.charts import Drawn, alone, as_csv, drawn, one_of
from cloudmining.console.paging import page_of
from cloudmining.console.panels import card_of
from optimization import api as optimization
from optimization.api import DARK, MIDDLE, SMALL, Chart, PlanStatus
from tenants.api import feed_head
from tenants.data import Actor, Invalid, NotFound

MOST_REASON_CHARS = 2000
LOOKS = {"mills": SMALL, "centres": SMALL}
LOOK_OF = {"cost-by-mine": MIDDLE, "cost-by-period": MIDDLE}
# (heading of a group of charts, their kinds)
GROUPS = (
    ("What it costs", "cost"),
    ("Where and at which cut-off it mines", "calendar"),
    ("What goes where", "flow"),
    ("Stocks at the mills", "mills"),
    ("Stocks at the centres", "centres"),
)


class PlanList(MemberPage):
    needs = {"GET": "view_plans"}
    template = "console/plans.html"

    def get(self, request: HttpRequest) -> TemplateResponse:
        head = feed_head()
        page = page_of(request, optimization.plans_with_scenarios())
        page["rows"] = [card_of(run, self.actor) for run in page["rows"]]
        return self.page(self.template, head=head, tab="console-plans", **page)


class PlanRows(PlanList):
    """The inside of the list, as it stands now."""

    template = "console/_plans.html"


class PlanPage(MemberPage):
    needs = {"GET": "view_plans"}
    template = "console/plan.html"

    def get(self, request: HttpRequest, plan_id: UUID) -> TemplateResponse:
        head = feed_head()
        run = optimization.whole_plan(plan_id)
        return self.page(self.template, head=head, tab="console-plans", **plan_context(run, self.actor))


class PlanBody(PlanPage):
    template = "console/_plan_body.html"


class PlanStep(MemberPage):
    """What the page's buttons ask for; each action requires its own capability."""

    needs = {"POST": "view_plans"}
    # The capability that it takes, and what is done for a reason.
    steps: ClassVar[dict[str, tuple[str, Callable[[Any, str], Any]]]] = {
        "cancel": ("run_plans", lambda run, reason: optimization.cancel_plan(run=run)),
        "approve": ("approve_plans", lambda run, reason: _decided(run, True, reason)),
        "reject": ("approve_plans", lambda run, reason: _decided(run, False, reason)),
        "release": ("release_plans", lambda run, reason: optimization.release_plan(run=run)),
    }

    def post(self, request: HttpRequest, plan_id: UUID, step: str) -> HttpResponse:
        if step not in self.steps:
            raise NotFound
        needs, act = self.steps[step]
        act(optimization.get_plan(plan_id, needs=needs), request.POST.get("reason", "").strip()[:MOST_REASON_CHARS])
        if request.POST.get("back") == "scenarios":
            return redirect("console-scenario-rows" if request.htmx else "console-scenarios")
        return redirect("console-plan-body" if request.htmx else "console-plan", plan_id)


def _decided(run: Any, is_approved: bool, reason: str) -> None:
    if not (is_approved or reason):
        raise Invalid("Say why it is rejected: whoever asked for the plan will read it.")
    optimization.decide(run=run, is_approved=is_approved, reason=reason)


class PlanFigure(MemberPage):
    """One chart alone, for zooming and saving it."""

    needs = {"GET": "view_plans"}

    def get(self, request: HttpRequest, plan_id: UUID, name: str) -> HttpResponse:
        run, chart = _chart(plan_id, name)
        return alone(request, f"{run.name}: {chart.title}", chart.figure)


class PlanFigureCsv(MemberPage):
    needs = {"GET": "view_plans"}

    def get(self, request: HttpRequest, plan_id: UUID, name: str) -> HttpResponse:
        _, chart = _chart(plan_id, name)
        return as_csv(f"{name}-{plan_id}", chart.headers, chart.rows)


def _chart(plan_id: UUID, name: str) -> tuple[Any, Chart]:
    run = optimization.whole_plan(plan_id)
    return run, one_of(optimization.plan_charts(run), name)


# What the page shows --------------------------------------------------------------------------------------------------


def plan_context(run: Any, actor: Actor) -> dict[str, Any]:
    """The card, charts by group, reasons, decision and what is known of the solve."""
    found = why.bindings(run.insight, len(run.instance.get("periods", ())))
    return {
        **card_of(run, actor),
        "groups": _groups(run),
        "binding": found[: why.MOST_SHOWN],
        "also_binding": found[why.MOST_SHOWN :],
        "reasons": why.reasons(run),
        "shortages": why.shortages(run.insight),
        "repairs": list(why.repairs(run.insight)),
        "is_cheapest": why.is_cheapest(run.insight),
        "known": _known(run),
        "version": run.scenario_version,
        "may_ask_for_help": run.status == PlanStatus.INFEASIBLE and actor.can("post_tasks"),
        **decision_context(run, actor),
    }


def decision_context(run: Any, actor: Actor) -> dict[str, Any]:
    """What was decided, and which buttons the actor has."""
    is_solved = run.status == PlanStatus.SOLVED
    decision = optimization.decision_on(run) if is_solved else None
    release = optimization.release_of(run) if decision and decision.is_approved else None
    return {
        "is_solved": is_solved,
        "decision": decision,
        "release": release,
        "is_own_request": run.requested_by_id is not None and run.requested_by_id == actor.user_id,
        "may_decide": is_solved and decision is None and actor.can("approve_plans"),
        "may_release": bool(decision and decision.is_approved and not release and actor.can("release_plans")),
    }


def _groups(run: Any) -> list[tuple[str, str, list[Drawn]]]:
    charts = optimization.plan_charts(run)
    return [
        (heading, kind, [_drawn(run, chart) for chart in charts if chart.kind == kind])
        for heading, kind in GROUPS
        if any(chart.kind == kind for chart in charts)
    ]


def _drawn(run: Any, chart: Chart) -> Drawn:
    place = reverse("console-plan-figure", args=[run.pk, chart.name])
    return drawn(chart, place, LOOK_OF.get(chart.name) or LOOKS.get(chart.kind, DARK))


def _known(run: Any) -> list[tuple[str, str]]:
    """Name and value of what decided the outcome and what it took."""
    report, options = run.report or {}, run.options
    asked = f"gap {options.get('gap', 0):.2%}, {options.get('time_limit_s', 0):g} s, seed {options.get('seed', 0)}"
    facts = [("Asked for", asked), ("Threads", str(options.get("threads", 1)))]
    if run.solver:
        facts.append(("Solver", run.solver))
    if report:
        facts += [
            ("Ended", str(report["termination"]).replace("_", " ")),
            ("Time", f"{report['elapsed_s']:.1f} s, of it {report['build_s']:.1f} s to build"),
            ("Size", f"{report['rows']:,} rows, {report['columns']:,} columns, {report['binaries']:,} binaries"),
            ("Nodes", f"{report['nodes']:,}"),
            ("Memory", f"{report['peak_memory_mb']:,.0f} MB at most"),
        ]
    if report.get("dual_bound_usd") is not None:
        facts.append(("Proven bound", f"{report['dual_bound_usd']:,.2f} $"))
    return [*facts, ("Asked via", run.requested_via), ("Attempts", str(run.attempt)), ("Id", str(run.pk))]
