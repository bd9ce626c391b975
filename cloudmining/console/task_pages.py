"""Service tasks: the list, one task with what lies beside it, and the form that posts one or changes a draft."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from cloudmining.console.agreement_words import permitted
from cloudmining.console.base import MemberPage
from cloudmining.console.evidence_pages import drawn_evidence
from cloudmining.console.forms import TaskForm, initial_of
from cloudmining.console.money import in_words
from cloudmining.console.paging import page_of, uuid_of
from cloudmining.console.panels import is_claimed_by, steps_for
from cloudmining.console.views import TaskStep
from edge_bridge.api import get_alarm, series_of
from marketplace import api as marketplace
from marketplace.acceptance import AcceptanceRule
from marketplace.contracts import api as contracting
from marketplace.data import MODES
from marketplace.desk import api as desk
from marketplace.profiles.api import needs_of
from marketplace.rest.desk_views import file_answer
from marketplace.watch.api import get_standing, shown_standing
from optimization.api import get_plan
from tenants.api import feed_head, tenants
from tenants.data import Conflict, FieldError, Invalid, NotFound

TAB: Final = "console-tasks"
WORDS: Final = {"market": "open to us", "own": "ours", "work": "our work"}
MOST_SENSORS: Final = 50
AT_WORK: Final = ("claimed", "contracted")  # before anybody says that it is done
TONES: Final = {"open": "good", "submitted": "medium", "draft": "low", "cancelled": "low", "closed": "low"}


class TaskList(MemberPage):
    """Those open to the organisation, its own, or its work for others, newest first; `?mode=` and `?over=1` narrow."""

    needs = {"GET": "view_tasks"}
    template = "console/tasks.html"

    def get(self, request: HttpRequest) -> TemplateResponse:
        head, asked = feed_head(), request.GET
        scope = asked.get("scope") or ("own" if self.actor.can("post_tasks") else "market")
        mode, over = asked.get("mode", ""), bool(asked.get("over"))
        if scope not in WORDS:
            raise NotFound
        found = page_of(request, _narrowed(marketplace.tasks_in(scope), mode, over))
        found["rows"] = [{"task": task, **_shown(task)} for task in found["rows"]]
        chosen = {"scope": scope, "mode": mode, "over": over}
        choices = {"scopes": WORDS, "modes": MODES, "may_post": self.actor.can("post_tasks")}
        return self.page(self.template, tab=TAB, head=head, **chosen, **choices, **found)


class TaskRows(TaskList):
    """The inside of the list, as it stands now."""

    template = "console/_task_list.html"


class TaskPage(MemberPage):
    """One task: its terms, what was frozen, files, questions, and what the reader may do."""

    needs = {"GET": "view_tasks"}

    def get(self, request: HttpRequest, task_id: UUID) -> TemplateResponse:
        task = marketplace.get_task(task_id)
        contract = contracting.contract_of(task)
        whose = self._whose(task, contract)
        is_own, is_open = whose == "own", task.state == "open"
        posts = is_own and self.actor.can("post_tasks")
        shown = {
            "steps": steps_for(task, whose, self.actor),
            "opens": permitted(task.opens),
            "contract": contract,
            "needs": list(needs_of(task)),
            "charts": drawn_evidence(task),
            "files": list(desk.attachments_of(task)),
            "questions": list(desk.questions_about(task)),
            "milestones": [each | {"percent": each["share_bp"] / 100} for each in task.milestones],
            "invited": self._invited(task) if is_own else [],
            "retention_percent": task.retention_bp / 100,
            "standing": shown_standing(task) if task.state in AT_WORK else None,
            "sensors": self._sensors(task) if is_own or whose == "work" else [],
            "rule_words": AcceptanceRule.from_document(task.acceptance).words() if task.acceptance else "",
        }
        may = {
            "may_edit": posts and task.state == "draft",
            "may_attach": posts and task.state in ("draft", "open"),
            "may_ask": not is_own and is_open and self.actor.can("claim_tasks"),
            "may_answer": posts,
        }
        return self.page("console/task_page.html", tab=TAB, task=task, whose=whose, **_shown(task), **shown, **may)

    def _whose(self, task: Any, contract: Any) -> str:
        if task.tenant_id == self.actor.tenant_id:
            return "own"
        return "work" if contract is not None or is_claimed_by(task, self.actor) else "market"

    def _sensors(self, task: Any) -> list[Any]:
        """Of its machine: to the firm those that are open now."""
        if task.equipment_id is None or not self.actor.can("view_telemetry"):
            return []
        return list(series_of(task.equipment_id).prefetch_related(None)[:MOST_SENSORS])

    def _invited(self, task: Any) -> list[str]:
        firms = task.invitations.values_list("firm", flat=True)
        return list(tenants().filter(pk__in=list(firms)).order_by("name").values_list("name", flat=True))


class TaskStanding(MemberPage):
    """How the rule of acceptance stands now."""

    needs = {"GET": "view_tasks"}

    def get(self, request: HttpRequest, task_id: UUID) -> TemplateResponse:
        standing = get_standing(task_id)
        if standing is None:
            raise NotFound
        return self.page("console/_standing.html", standing=standing)


class PageStep(TaskStep):
    """The steps of the panel, taken on the task's own page."""

    def post(self, request: HttpRequest, task_id: UUID, step: str) -> HttpResponse:
        super().post(request, task_id, step)
        return redirect("console-task", task_id)


class Attach(MemberPage):
    needs = {"POST": "post_tasks"}

    def post(self, request: HttpRequest, task_id: UUID) -> HttpResponse:
        task, given = marketplace.get_own_task(task_id), request.FILES.get("file")
        if given is None:
            raise Invalid("There is no file.", (FieldError("/file", "choose one"),))
        desk.attach(task=task, name=given.name, content=given.read(desk.FILE_BYTES + 1))
        return redirect("console-task", task_id)


class Attachment(MemberPage):
    """The file; a POST of the owner of a draft takes it away."""

    needs = {"GET": "view_tasks", "POST": "post_tasks"}

    def get(self, request: HttpRequest, task_id: UUID, attachment_id: UUID) -> HttpResponse:
        return file_answer(desk.get_attachment(task_id, attachment_id))

    def post(self, request: HttpRequest, task_id: UUID, attachment_id: UUID) -> HttpResponse:
        desk.detach(attachment=desk.get_own_attachment(task_id, attachment_id))
        return redirect("console-task", task_id)


class Ask(MemberPage):
    needs = {"POST": "claim_tasks"}

    def post(self, request: HttpRequest, task_id: UUID) -> HttpResponse:
        desk.ask(task=marketplace.get_task(task_id, needs="claim_tasks"), text=request.POST.get("text", ""))
        return redirect("console-task", task_id)


class Answer(MemberPage):
    needs = {"POST": "post_tasks"}

    def post(self, request: HttpRequest, task_id: UUID, question_id: UUID) -> HttpResponse:
        question = desk.get_own_question(task_id, question_id)
        desk.answer(question=question, text=request.POST.get("text", ""))
        return redirect("console-task", task_id)


class TaskEditor(MemberPage):
    """The form, and the words of what the marketplace does not take beside its fields."""

    needs = {"GET": "post_tasks", "POST": "post_tasks"}

    def shown(self, form: TaskForm, status: int = 200, **more: Any) -> TemplateResponse:
        response = self.page("console/task.html", tab=TAB, form=form, **more)
        response.status_code = status
        return response

    def currency(self) -> str:
        return str(tenants().get(pk=self.actor.tenant_id).currency)


class PostTask(TaskEditor):
    """A new task, about an own alarm if `?alarm=` names one, with an own plan as evidence if `?plan=` does.

    It is published at once, or kept as a draft where `do` says so.
    """

    def get(self, request: HttpRequest) -> TemplateResponse:
        alarm, plan = self._alarm(), self._plan()
        return self.shown(self._form(alarm, initial=_suggested(alarm, plan)), plan=plan)

    def post(self, request: HttpRequest) -> HttpResponse:
        form, plan = self._form(self._alarm(), data=request.POST), self._plan()
        task = self._posted(form, plan) if form.is_valid() else None
        return self.shown(form, status=422, plan=plan) if task is None else redirect("console-task", task.pk)

    def _posted(self, form: TaskForm, plan: Any) -> Any:
        try:
            with transaction.atomic():
                task = marketplace.post_task(terms=form.terms, plan_id=plan and plan.pk, **form.place)
                if self.request.POST.get("do") != "draft":
                    marketplace.publish_task(task=task)
                return task
        except Invalid as refusal:
            form.add_refusal(refusal)
            return None

    def _form(self, alarm: Any, **given: Any) -> TaskForm:
        return TaskForm(actor=self.actor, currency=self.currency(), alarm=alarm, **given)

    def _alarm(self) -> Any:
        named = self.request.GET.get("alarm")
        if not named:
            return None
        alarm = get_alarm(uuid_of(named))
        if alarm.tenant_id != self.actor.tenant_id:
            raise NotFound
        return alarm

    def _plan(self) -> Any:
        named = self.request.GET.get("plan")
        return get_plan(uuid_of(named)) if named else None


class ReviseTask(TaskEditor):
    """The terms of an own draft, all anew."""

    def get(self, request: HttpRequest, task_id: UUID) -> TemplateResponse:
        task = self._draft(task_id)
        return self.shown(self._form(task, initial=initial_of(task)), task=task)

    def post(self, request: HttpRequest, task_id: UUID) -> HttpResponse:
        task = self._draft(task_id)
        form = self._form(task, data=request.POST)
        if form.is_valid():
            if request.POST.get("version") != str(task.version):
                raise Conflict("The task has changed since you opened the form; open it again.")
            try:
                marketplace.revise_task(task=task, terms=form.terms)
                return redirect("console-task", task_id)
            except Invalid as refusal:
                form.add_refusal(refusal)
        return self.shown(form, status=422, task=task)

    def _form(self, task: Any, **given: Any) -> TaskForm:
        return TaskForm(actor=self.actor, currency=task.currency, draft=task, **given)

    def _draft(self, task_id: UUID) -> Any:
        task = marketplace.get_own_task(task_id)
        if task.state != "draft":
            raise Conflict(f"The task is {task.get_state_display().lower()}; what was published never changes.")
        return task


def _narrowed(tasks: QuerySet[Any], mode: str, over: bool) -> QuerySet[Any]:
    tasks = tasks.filter(mode=mode) if mode in MODES else tasks
    return tasks if over else tasks.exclude(state__in=marketplace.OVER)


def _shown(task: Any) -> dict[str, Any]:
    fee = in_words(task.fee_minor, task.currency) if task.fee_minor else ""
    return {"fee": fee, "tone": TONES.get(task.state, "going"), "mode_words": MODES[task.mode].partition(":")[0]}


def _suggested(alarm: Any, plan: Any) -> dict[str, Any]:
    if alarm is None:
        return {"title": f"Help with plan {plan.name}", "category": "planning"} if plan else {}
    since = f"{alarm.raised_at:%Y-%m-%d %H:%M} UTC"
    return {
        "about": f"alarm:{alarm.pk}",
        "title": f"{alarm.alarm_type} on {alarm.equipment.code if alarm.equipment else alarm.site.name}",
        "category": "equipment_maintenance",
        "description": f"{alarm.tag} at {alarm.value:g}, limit {alarm.limit:g}, since {since}.",
        "opens": ["view_alarms", "view_telemetry"],
    }
