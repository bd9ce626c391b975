"""The notice board: public tasks for anybody, without signing in. What it shows is what was written there, no more."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_datetime

from cloudmining.console.base import Guarded, problem_page
from cloudmining.console.money import in_words
from cloudmining.console.paging import page_of
from marketplace.data import CATEGORIES, MODES
from marketplace.desk.api import get_notice, looking, open_notices
from tenants.data import Refusal


class BoardPage(Guarded):
    """Rendered within what the board's word opens; a refusal is a page."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            with looking():
                response = super().dispatch(request, *args, **kwargs)
                return response.render() if isinstance(response, TemplateResponse) else response
        except Refusal as refusal:
            return problem_page(refusal.status, refusal.title, refusal.detail)


class NoticeList(BoardPage):
    """Those of tasks that are still open, newest first."""

    def get(self, request: HttpRequest) -> TemplateResponse:
        found = page_of(request, open_notices())
        found["rows"] = [_shown(notice) for notice in found["rows"]]
        return TemplateResponse(request, "console/notices.html", found)


class NoticePage(BoardPage):
    """One of them, also when its task is no longer open."""

    def get(self, request: HttpRequest, notice_id: UUID) -> TemplateResponse:
        return TemplateResponse(request, "console/notice.html", _shown(get_notice(notice_id)))


def _shown(notice: Any) -> dict[str, Any]:
    facts = notice.facts
    return {
        "notice": notice,
        "facts": facts,
        "category": CATEGORIES[facts["category"]],
        "mode": MODES[facts["mode"]],
        "fee": in_words(facts["fee_minor"], facts["currency"]) if facts["fee_minor"] else "",
        "bids_until": parse_datetime(facts["bids_until"]) if facts["bids_until"] else None,
        "milestones": [each | {"share_percent": each["share_bp"] / 100} for each in facts["milestones"]],
    }
