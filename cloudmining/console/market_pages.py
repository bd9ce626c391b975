"""Firms and tasks find each other: tasks ranked for us, firms ranked for a task of ours, profiles, people on a task."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from cloudmining.console.base import MemberPage
from cloudmining.console.market_forms import AssignForm, NeedsForm, ProfileForm, TermsForm, people
from cloudmining.console.money import in_words
from cloudmining.console.paging import uuid_of
from marketplace import api as marketplace
from marketplace.calendars import api as calendars
from marketplace.contracts import api as contracting
from marketplace.crew import api as crew
from marketplace.profiles import api as profiles
from tenants.api import feed_head, tenants
from tenants.data import Invalid, NotFound, Refusal
from tenants.organisation.api import countries
from tenants.resources.api import get_person

MARKET: Final = "console-market"
MOST_COMING: Final = 8
# From this score on a task is shown as a good fit, or as one that may do.
TONES: Final = ((75, "good"), (50, "medium"), (0, "low"))


class Market(MemberPage):
    """The dispatcher's day: what is open on the market, what fits best on top, with reasons; beside it what comes next
    for our people, and how far our money is."""

    needs = {"GET": "view_tasks"}
    template = "console/market.html"

    def get(self, request: HttpRequest) -> TemplateResponse:
        head = feed_head()
        rows = [
            (each.task, each.fit, tone_of(each.fit), in_words(each.task.fee_minor, each.task.currency))
            for each in profiles.tasks_for_me()
        ]
        context = {
            "rows": rows,
            "profile": profiles.own_profile(),
            "may_claim": self.actor.can("claim_tasks"),
            "coming": _coming(),
            "payments": [(each, in_words(each.amount_minor, each.currency)) for each in contracting.payments()],
        }
        return self.page(self.template, tab=MARKET, head=head, **context)


class MarketRows(Market):
    """The inside of the page, as it stands now."""

    template = "console/_market.html"


class OwnProfile(MemberPage):
    """The profile's editor; below it the people who are shown in it. A post is one of the forms, named by `form`."""

    needs = {"GET": "view_tasks", "POST": "manage"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        return self._shown(ProfileForm(initial=ProfileForm.initial_of(profiles.own_profile())))

    def post(self, request: HttpRequest) -> HttpResponse:
        match request.POST.get("form"):
            case "profile":
                form = ProfileForm(request.POST)
                if not (form.is_valid() and saved(form, lambda: self._save(form))):
                    return self._shown(form, status=422)
            case "expert":
                person = get_person(uuid_of(request.POST.get("person", "")))
                profiles.publish_expert(person=person, shows_name=bool(request.POST.get("shows_name")))
            case "withdraw":
                profiles.withdraw_expert(expert=profiles.get_own_expert(uuid_of(request.POST.get("expert", ""))))
            case _:
                raise NotFound
        return redirect("console-profile")

    def _save(self, form: ProfileForm) -> Any:
        return profiles.save_profile(terms=form.terms, seen=form.cleaned_data["version"])

    def _shown(self, form: ProfileForm, status: int = 200) -> TemplateResponse:
        sees_people = self.actor.can("view_resources")
        context = {
            "form": form,
            "profile": profiles.own_profile(),
            "may_manage": self.actor.can("manage"),
            "experts": profiles.own_experts().order_by("pk") if sees_people else (),
            "people": people() if sees_people else (),
        }
        response = self.page("console/profile.html", tab="console-profile", **context)
        response.status_code = status
        return response


class FirmPage(MemberPage):
    """What a firm shows of itself."""

    needs = {"GET": "view_tasks"}

    def get(self, request: HttpRequest, profile_id: UUID) -> TemplateResponse:
        profile = profiles.get_profile(profile_id)
        rates = [(rate, in_words(rate["amount_minor"], rate["currency"])) for rate in profile.rates]
        regions = [countries().get(region, region) for region in profile.regions]
        shown = {"profile": profile, "rates": rates, "regions": regions, "experts": profiles.experts_of(profile)}
        return self.page("console/firm.html", tab=MARKET, references=profiles.references_of(profile), **shown)


class TaskFirms(MemberPage):
    """What a task of ours wants of people, changed while it is a draft, and the firms that fit it, with reasons."""

    needs = {"GET": "post_tasks", "POST": "post_tasks"}

    def get(self, request: HttpRequest, task_id: UUID) -> TemplateResponse:
        task = marketplace.get_own_task(task_id)
        return self._shown(task, NeedsForm(initial=NeedsForm.initial_of(profiles.needs_of(task))))

    def post(self, request: HttpRequest, task_id: UUID) -> HttpResponse:
        task, form = marketplace.get_own_task(task_id), NeedsForm(request.POST)
        if form.is_valid() and saved(form, lambda: profiles.set_needs(task=task, needs=form.terms)):
            return redirect("console-task-firms", task_id)
        return self._shown(task, form, status=422)

    def _shown(self, task: Any, form: NeedsForm, status: int = 200) -> TemplateResponse:
        response = self.page("console/task_firms.html", tab=MARKET, form=form, **ranked_firms(task))
        response.status_code = status
        return response


class TaskPeople(MemberPage):
    """Who works on a task: its owner sees who comes; the firm that holds it assigns its people and releases them."""

    needs = {"GET": "view_tasks", "POST": "use_resources"}

    def get(self, request: HttpRequest, task_id: UUID) -> TemplateResponse:
        task = marketplace.get_task(task_id)
        return self._shown(task, self._form(task))

    def post(self, request: HttpRequest, task_id: UUID) -> HttpResponse:
        task = marketplace.get_task(task_id)
        if request.POST.get("form") == "release":
            row = crew.get_own_assignment(uuid_of(request.POST.get("assignment", "")))
            crew.release_person(assignment=row, reason=request.POST.get("reason", ""))
            return redirect("console-task-people", task_id)
        form = self._form(task, request.POST)
        if form is None:
            raise NotFound
        if form.is_valid() and saved(form, lambda: form.carry_out(task)):
            return redirect("console-task-people", task_id)
        return self._shown(task, form, status=422)

    def _form(self, task: Any, *data: Any) -> AssignForm | None:
        if not (self.actor.can("use_resources") and crew.holds(task)):
            return None
        zone = tenants().get(pk=self.actor.tenant_id).time_zone
        return AssignForm(*data, task=task, time_zone=zone)

    def _shown(self, task: Any, form: AssignForm | None, status: int = 200) -> TemplateResponse:
        context = {"task": task, "form": form, "people": crew.people_on(task), "needs": profiles.needs_of(task)}
        response = self.page("console/task_people.html", tab=MARKET, **context)
        response.status_code = status
        return response


def _coming() -> list[Any]:
    """What is now, and the next of what comes, soonest first."""
    now = datetime.now(UTC)
    rows = [row for row in calendars.appointments(of_crew=True) if (row.ends_at or row.begins_at) >= now]
    return sorted(rows, key=lambda row: row.begins_at)[:MOST_COMING]


def saved(form: TermsForm, do: Any) -> bool:
    """Do it, or put the refusal's words beside the fields they speak of; then nothing of it is kept."""
    try:
        with transaction.atomic():
            do()
    except Invalid as refusal:
        form.add_refusal(refusal)
    except Refusal as refusal:
        form.add_error(None, refusal.detail)
    return form.is_valid()


def ranked_firms(task: Any) -> dict[str, Any]:
    """What `console/_ranked_firms.html` shows to the owner of a task."""
    rows = [(each.profile, each.fit, tone_of(each.fit)) for each in profiles.firms_for(task)]
    return {"task": task, "firms": rows, "wanted": profiles.needs_of(task)}


def tone_of(fit: Any) -> str:
    return next(tone for least, tone in TONES if fit.score >= least)
