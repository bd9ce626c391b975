"""Bids: a firm's own, and on one task what its owner and each bidder may see of them and do with them."""

from collections.abc import Callable
from typing import Any, ClassVar, Final
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.bid_forms import BidForm, initial_of
from cloudmining.console.charts import alone, as_csv, drawn
from cloudmining.console.given import whole
from cloudmining.console.money import in_words
from cloudmining.console.paging import page_of
from marketplace import api as marketplace
from marketplace.bids import api as bidding
from marketplace.contracts import api as contracting
from marketplace.profiles.api import needs_of
from optimization.api import MIDDLE, Chart
from tenants.api import feed_head
from tenants.data import FieldError, Invalid, NotFound

TAB: Final = "console-bids"
TONES: Final = {
    **dict.fromkeys(("draft", "submitted", "opened"), "going"),
    **{"shortlisted": "medium", "won": "good", "disqualified": "bad", "lost": "low", "withdrawn": "low"},
}
MOST_BIDS: Final = 200
CRITERIA_ROWS: Final = 6


class BidList(MemberPage):
    """Those that the organisation made."""

    needs = {"GET": "view_tasks"}
    template = "console/bids.html"

    def get(self, request: HttpRequest) -> TemplateResponse:
        head, page = feed_head(), page_of(request, bidding.own_bids())
        page["rows"] = [_shown(bid) for bid in bidding.held(page["rows"])]
        return self.page(self.template, tab=TAB, head=head, **page)


class BidRows(BidList):
    """The inside of the list, as it stands now."""

    template = "console/_bids.html"


class TaskBids(MemberPage):
    """The bids on a task: for its owner the way from openers to award, for a firm its own bid.

    It follows the feed, but for a form that was sent and waits to be mended.
    """

    needs = {"GET": "view_tasks"}
    template = "console/task_bids.html"

    def get(self, request: HttpRequest, task_id: UUID) -> TemplateResponse:
        return self.of_task(task_id)

    def of_task(self, task_id: UUID, form: BidForm | None = None) -> TemplateResponse:
        head, task = feed_head(), marketplace.get_task(task_id)
        if task.mode == "claim":
            raise NotFound
        is_own = task.tenant_id == self.actor.tenant_id
        shown = self._for_owner(task) if is_own else self._for_firm(task, form)
        criteria = bidding.criteria_of(task)
        about = {"task": task, "criteria": criteria, "is_live": form is None, "needs": list(needs_of(task))}
        about["contract"] = contracting.contract_of(task)
        page = self.page(self.template, tab=TAB, head=head, **about, **shown)
        page.status_code = 422 if form else 200
        return page

    def _for_owner(self, task: Any) -> dict[str, Any]:
        may_judge = self.actor.can("post_tasks")
        if may_judge:
            bidding.close_if_overdue(task)
        rows = bidding.comparison(task) if may_judge else []
        there = list(bidding.openers(task.pk))
        given = {each.opener_id for each in bidding.openings(task.pk)}
        chart = comparison_chart(task, rows)
        return {
            "is_own": True,
            "may_judge": may_judge,
            "bids": [_shown(bid) for bid in bidding.held(bidding.bids_on(task.pk).order_by("pk")[:MOST_BIDS])],
            "openers": [(each.user_name, each.pk in given) for each in there],
            "is_opener": any(each.user_id == self.actor.user_id for each in there),
            "missing": bidding.missing(task) if may_judge else [],
            "rows": [_compared(row, task) for row in rows],
            "own_criteria": [each.name for each in bidding.criteria_of(task) if each.kind == "own"],
            "chart": chart and drawn(chart, reverse("console-comparison-figure", args=[task.pk]), MIDDLE),
            "complaints": bidding.complaints(task.pk),
            "standstill_until": bidding.standstill_until(task),
            "kinds": bidding.CRITERION_KINDS,
            "criteria_rows": range(CRITERIA_ROWS),
        }

    def _for_firm(self, task: Any, form: BidForm | None) -> dict[str, Any]:
        live = bidding.live_bid(task.pk, self.actor.tenant_id)
        bid = bidding.held([live])[0] if live else None
        may_bid = self.actor.can("claim_tasks")
        is_open = task.state == "open" and may_bid
        kept = bid.content if bid else None
        return {
            "is_own": False,
            "bid": bid and _shown(bid),
            "form": (form or form_of(task, initial=initial_of(kept))) if is_open else None,
            "complaints": bidding.complaints(task.pk),
            "is_contested": bid and bid.state == "won" and bidding.is_contested(task),
            "may_complain": may_bid and task.state == "awarded" and bid and bid.state in ("lost", "disqualified"),
        }


class TaskBidsBody(TaskBids):
    """The inside of the page, as it stands now."""

    template = "console/_task_bids.html"


class PlaceBid(TaskBids):
    """Answers with the receipt, which is shown once: of a sealed bid there is no other copy."""

    needs = {"POST": "claim_tasks"}

    def post(self, request: HttpRequest, task_id: UUID) -> HttpResponse:
        task = marketplace.get_task(task_id, needs="claim_tasks")
        form = form_of(task, data=request.POST)
        receipt = form.is_valid() and self._placed(task, form)
        if not receipt:
            return self.of_task(task_id, form)
        return self.page("console/bid_receipt.html", tab=TAB, head=feed_head(), task=task, receipt=receipt)

    def _placed(self, task: Any, form: BidForm) -> bidding.Receipt | None:
        try:
            with transaction.atomic():
                return bidding.place_bid(task=task, content=form.content)
        except Invalid as refusal:
            form.add_refusal(refusal)
            return None


class TaskStep(MemberPage):
    """What the owner's forms about the task ask for; each action requires its own capability."""

    needs = {"POST": "post_tasks"}
    steps: ClassVar[dict[str, Callable[[Any, QueryDict], Any]]] = {
        "criteria": lambda task, given: bidding.set_criteria(task=task, criteria=_criteria(given)),
        "register": lambda task, given: bidding.register_opener(task=task, passphrase=given.get("passphrase", "")),
        "dismiss": lambda task, given: bidding.dismiss_opener(task=task),
        "open": lambda task, given: bidding.give_passphrase(task=task, passphrase=given.get("passphrase", "")),
        "evaluate": lambda task, given: bidding.start_evaluation(task=task),
        "conclude": lambda task, given: bidding.conclude_award(task=task),
        "fail": lambda task, given: bidding.fail_task(task=task, reason=given.get("reason", "")),
    }

    def post(self, request: HttpRequest, task_id: UUID, step: str) -> HttpResponse:
        if step not in self.steps:
            raise NotFound
        self.steps[step](marketplace.get_own_task(task_id), request.POST)
        return redirect("console-task-bids", task_id)


class BidStep(MemberPage):
    """What is asked of one bid, by its owner or its firm."""

    needs = {"POST": "view_tasks"}
    judged: ClassVar[dict[str, Callable[[Any, QueryDict], Any]]] = {
        "shortlist": lambda bid, given: bidding.shortlist_bid(bid=bid),
        "reinstate": lambda bid, given: bidding.reinstate_bid(bid=bid),
        "disqualify": lambda bid, given: bidding.disqualify_bid(bid=bid, reason=given.get("reason", "")),
        "award": lambda bid, given: bidding.award_bid(bid=bid, reason=given.get("reason", "")),
        "score": lambda bid, given: bidding.score_bid(bid=bid, scores=_scores(given)),
    }
    own: ClassVar[dict[str, Callable[[Any, QueryDict], Any]]] = {
        "withdraw": lambda bid, given: bidding.withdraw_bid(bid=bid),
        "complain": lambda bid, given: bidding.complain(bid=bid, text=given.get("text", "")),
    }

    def post(self, request: HttpRequest, bid_id: UUID, step: str) -> HttpResponse:
        if step not in self.judged | self.own:
            raise NotFound
        if step in self.judged:
            bid = bidding.get_bid_to_judge(bid_id)
            bid.version = whole(request.POST, "version")
            self.judged[step](bid, request.POST)
        else:
            bid = bidding.get_own_bid(bid_id)
            self.own[step](bid, request.POST)
        return redirect("console-task-bids", bid.task_id)


class DecideComplaint(MemberPage):
    needs = {"POST": "post_tasks"}
    decisions: ClassVar[dict[str, bool]] = {"uphold": True, "reject": False}

    def post(self, request: HttpRequest, complaint_id: UUID, step: str) -> HttpResponse:
        if step not in self.decisions:
            raise NotFound
        complaint = bidding.get_complaint_to_decide(complaint_id)
        reason = request.POST.get("reason", "")
        bidding.decide_complaint(complaint=complaint, is_upheld=self.decisions[step], reason=reason)
        return redirect("console-task-bids", complaint.task_id)


class ComparisonPage(MemberPage):
    needs = {"GET": "post_tasks"}

    def chart(self, task_id: UUID) -> Chart:
        task = marketplace.get_own_task(task_id)
        chart = comparison_chart(task, bidding.comparison(task))
        if chart is None:
            raise NotFound
        return chart


class ComparisonFigure(ComparisonPage):
    def get(self, request: HttpRequest, task_id: UUID) -> HttpResponse:
        chart = self.chart(task_id)
        return alone(request, chart.title, chart.figure)


class ComparisonCsv(ComparisonPage):
    def get(self, request: HttpRequest, task_id: UUID) -> HttpResponse:
        chart = self.chart(task_id)
        return as_csv("comparison", chart.headers, chart.rows)


def form_of(task: Any, **given: Any) -> BidForm:
    return BidForm(currency=task.currency, milestones=task.milestones, **given)


def comparison_chart(task: Any, rows: list[bidding.Row]) -> Chart | None:
    """Weighted points by firm, stacked by criterion; None where no bid can be compared."""
    if not rows:
        return None
    firms, criteria = [row.bid.firm_name for row in rows], bidding.criteria_of(task)
    data = [
        {"type": "bar", "name": each.name, "x": firms, "y": [_weighted(row, each) for row in rows], "width": 0.6}
        for each in criteria
    ]
    layout = {
        "title": {"text": _conclusion(rows)},
        "xaxis": {"title": {"text": "firm"}},
        "yaxis": {"title": {"text": "weighted points"}},
        "barmode": "stack",
        "template": "plotly_white",
    }
    table = [_line(row, task, criteria) for row in rows]
    headers = ("Firm", f"Price ({task.currency})", "Days", *(each.name for each in criteria), "Total")
    return Chart("comparison", "bids", {"data": data, "layout": layout}, headers, table)


def _conclusion(rows: list[bidding.Row]) -> str:
    best = rows[0]
    if best.scored.total is None:
        return "Points are missing: no bid has a rank yet"
    return f"{best.bid.firm_name} leads with {best.scored.total} of 100 points"


def _weighted(row: bidding.Row, criterion: Any) -> float:
    return float((row.scored.points[criterion.name] or 0) * criterion.weight / 100)


def _line(row: bidding.Row, task: Any, criteria: Any) -> tuple[Any, ...]:
    points = [None if (found := row.scored.points[each.name]) is None else float(found) for each in criteria]
    total = None if row.scored.total is None else float(row.scored.total)
    return (row.bid.firm_name, in_words(row.content.price_minor, task.currency), row.content.delivery_d, *points, total)


def _compared(row: bidding.Row, task: Any) -> dict[str, Any]:
    return {
        "bid": row.bid,
        "price": in_words(row.content.price_minor, task.currency),
        "content": row.content,
        "valid_until": row.valid_until,
        "points": [(name, points, row.reasons.get(name, "")) for name, points in row.scored.points.items()],
        "total": row.scored.total,
        "rank": row.scored.rank,
        "tone": TONES[row.bid.state],
    }


def _shown(bid: Any) -> dict[str, Any]:
    content = bid.content
    return {
        "bid": bid,
        "tone": TONES[bid.state],
        "newest": bid.newest,
        "content": content,
        "price": content and in_words(content.price_minor, content.currency),
    }


def _criteria(given: QueryDict) -> Any:
    """Rows of the form that have a name."""
    rows = zip(given.getlist("name"), given.getlist("kind"), given.getlist("weight"), strict=False)
    return bidding.criteria_from(
        [{"name": name, "kind": kind, "weight": _whole(weight)} for name, kind, weight in rows if name.strip()]
    )


def _scores(given: QueryDict) -> list[bidding.Score]:
    rows = zip(given.getlist("criterion"), given.getlist("points"), given.getlist("because"), strict=False)
    return [bidding.Score(name, _whole(points), because) for name, points, because in rows if points.strip()]


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise Invalid("A number is missing.", (FieldError("/points", "give a whole number from 0 to 100"),))
    return int(text)
