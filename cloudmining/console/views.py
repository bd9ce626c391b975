"""The console: one page of panels, and what each of them can be asked to do."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from cloudmining.console.base import MemberPage
from cloudmining.console.given import whole
from cloudmining.console.panels import PANELS
from edge_bridge.api import acknowledge_alarm, get_alarm
from marketplace import api as marketplace
from optimization.api import cancel_plan, get_plan
from tenants.api import feed_head
from tenants.data import Forbidden, Invalid, NotFound


class Console(MemberPage):
    """The one page: alarms, latest plan, tasks. Its cursor is read first, so that nothing can fall in between."""

    needs = {"GET": "view_registry"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        head = feed_head()
        shown = [panel for panel in PANELS.values() if self.actor.can(panel.needs)]
        content = {key: value for panel in shown for key, value in panel.context(self.actor).items()}
        return self.page(
            "console/console.html", head=head, here="console", panels={panel.name: panel for panel in shown}, **content
        )


class OnePanel(MemberPage):
    """The inside of one panel, as it stands now."""

    needs = {"GET": "view_registry"}

    def get(self, request: HttpRequest, name: str) -> TemplateResponse:
        panel = PANELS.get(name)
        if panel is None:
            raise NotFound
        if not self.actor.can(panel.needs):
            raise Forbidden(f"Your role does not include '{panel.needs}'.")
        return self.page(panel.template, **panel.context(self.actor))


class Change(MemberPage):
    """One action on one object, then what its panel shows: alone for htmx, else with the whole console."""

    panel = ""

    def done(self) -> HttpResponse:
        return redirect("panel", self.panel) if self.request.htmx else redirect("console")


class AcknowledgeAlarm(Change):
    panel = "alarms"
    needs = {"POST": "acknowledge_alarms"}

    def post(self, request: HttpRequest, alarm_id: UUID) -> HttpResponse:
        acknowledge_alarm(alarm=get_alarm(alarm_id, needs="acknowledge_alarms"))
        return self.done()


class CancelPlan(Change):
    panel = "plan"
    needs = {"POST": "run_plans"}

    def post(self, request: HttpRequest, plan_id: UUID) -> HttpResponse:
        cancel_plan(run=get_plan(plan_id, needs="run_plans"))
        return self.done()


class TaskStep(Change):
    """What `panels.STEPS` offers; each action requires its own capability."""

    panel = "tasks"
    needs = {"POST": "view_tasks"}
    steps: ClassVar[dict[str, Callable[[UUID, QueryDict], Any]]] = {
        "publish": lambda task_id, given: marketplace.publish_task(task=marketplace.get_own_task(task_id)),
        "cancel": lambda task_id, given: marketplace.cancel_task(task=marketplace.get_own_task(task_id)),
        "accept": lambda task_id, given: marketplace.accept_work(task=marketplace.get_own_task(task_id)),
        "rework": lambda task_id, given: marketplace.request_rework(
            task=marketplace.get_own_task(task_id), note=given.get("note", "")
        ),
        "reject": lambda task_id, given: marketplace.reject_work(
            task=marketplace.get_own_task(task_id), reason=given.get("note", "")
        ),
        "extend": lambda task_id, given: marketplace.extend_claim(
            task=marketplace.get_own_task(task_id), hours=whole(given, "hours")
        ),
        "claim": lambda task_id, given: marketplace.claim_task(task=marketplace.get_task(task_id)),
        "submit": lambda task_id, given: marketplace.submit_work(
            claim=_claim(task_id, given), note=given.get("note", "")
        ),
        "release": lambda task_id, given: marketplace.release_claim(claim=_claim(task_id, given)),
    }

    def post(self, request: HttpRequest, task_id: UUID, step: str) -> HttpResponse:
        if step not in self.steps:
            raise NotFound
        self.steps[step](task_id, request.POST)
        return self.done()


def _claim(task_id: UUID, given: QueryDict) -> Any:
    """The claim whose token the row showed, so that a page left open can't act for a newer claim."""
    token = given.get("token", "")
    if not (token.isascii() and token.isdigit() and len(token) < 10):
        raise Invalid("The claim's token is missing; reload the page.")
    return marketplace.get_claim(task_id, int(token))
