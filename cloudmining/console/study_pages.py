"""Experiments for planners: the list, and one with its progress, conclusions and figures."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import alone, as_csv, drawn, one_of
from cloudmining.console.paging import page_of
from cloudmining.console.panels import PLAN_TONES
from optimization import api as optimization
from optimization.api import Chart, PlanStatus
from tenants.api import feed_head
from tenants.data import Actor

# What was asked, in the words of docs/how-to/run-the-experiments.md; what is not said is the usual.
ASKED = ("sizes", "cases", "draws", "gap", "time_limit_s", "threads", "seed")


class StudyList(MemberPage):
    needs = {"GET": "view_plans"}
    template = "console/studies.html"

    def get(self, request: HttpRequest) -> TemplateResponse:
        head = feed_head()
        page = page_of(request, optimization.experiments())
        page["rows"] = [_card_of(run, self.actor) for run in page["rows"]]
        return self.page(self.template, head=head, tab="console-studies", **page)


class StudyRows(StudyList):
    template = "console/_studies.html"


class StudyPage(MemberPage):
    needs = {"GET": "view_plans"}
    template = "console/study.html"

    def get(self, request: HttpRequest, study_id: UUID) -> TemplateResponse:
        head = feed_head()
        run = optimization.get_experiment(study_id)
        charts = [
            drawn(chart, reverse("console-study-figure", args=[run.pk, chart.name]))
            for chart in optimization.study_charts(run)
        ]
        context = {**_card_of(run, self.actor), "charts": charts, "asked": _asked(run)}
        return self.page(self.template, head=head, tab="console-studies", **context)


class StudyBody(StudyPage):
    template = "console/_study_body.html"


class CancelStudy(MemberPage):
    needs = {"POST": "run_plans"}

    def post(self, request: HttpRequest, study_id: UUID) -> HttpResponse:
        optimization.cancel_study(run=optimization.get_experiment(study_id, needs="run_plans"))
        return redirect("console-study-body" if request.htmx else "console-study", study_id)


class StudyFigure(MemberPage):
    """One figure alone, for zooming and saving it."""

    needs = {"GET": "view_plans"}

    def get(self, request: HttpRequest, study_id: UUID, name: str) -> HttpResponse:
        chart = _chart(study_id, name)
        return alone(request, chart.title, chart.figure)


class StudyFigureCsv(MemberPage):
    needs = {"GET": "view_plans"}

    def get(self, request: HttpRequest, study_id: UUID, name: str) -> HttpResponse:
        chart = _chart(study_id, name)
        return as_csv(f"{name}-{study_id}", chart.headers, chart.rows)


def _chart(study_id: UUID, name: str) -> Chart:
    return one_of(optimization.study_charts(optimization.get_experiment(study_id)), name)


def _card_of(run: Any, actor: Actor) -> dict[str, Any]:
    """An experiment with its progress while it runs."""
    is_owed, progress = run.status in (PlanStatus.QUEUED, PlanStatus.RUNNING), run.progress or {}
    return {
        "run": run,
        "shows": optimization.shown_by(run.kind),
        "tone": PLAN_TONES.get(run.status, "low"),
        "status": "done" if run.status == PlanStatus.SOLVED else run.get_status_display().replace("_", " "),
        "is_owed": is_owed,
        "may_cancel": is_owed and run.cancel_requested_at is None and actor.can("run_plans"),
        "stage": progress.get("stage", "waiting for a worker") if is_owed else "",
        "done": progress.get("done"),
        "of": progress.get("of"),
    }


def _asked(run: Any) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), _words(run.options[name])) for name in ASKED if run.options.get(name) is not None]


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
