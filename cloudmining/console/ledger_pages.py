"""What was decided, with whom, and whether the chain still stands: the list, one entry, proof bundles."""

import json
from dataclasses import dataclass
from typing import IO, Any, Final
from uuid import UUID

from django.http import FileResponse, HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.paging import PAGE_ROWS, uuid_of
from tenants.api import tenants
from tenants.data import NotFound
from tenants.ledger import api as ledger

TAB: Final = "console-ledger"
MOST_DIGITS: Final = 15
# What an entry names by its id → the page of it.
PAGES: Final = {
    "agreement": "console-agreement",
    "alarm": "console-alarm",
    "contract": "console-contract",
    "rule": "console-rule",
    "task": "console-task",
}


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as people read it; `with_names` are those of the other organisations."""

    entry: Any
    what: str
    about: str
    payload: dict[str, Any]
    with_names: list[str]


class Ledger(MemberPage):
    """`?kind=` and `?subject=` filter, `?before=` names the entry to go on below, `?check=` the one to verify after."""

    needs = {"GET": "view_ledger"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        kind, subject = request.GET.get("kind", "")[:60], request.GET.get("subject", "")
        before, check = _number(request, "before"), _number(request, "check")
        wanted = ledger.entries_where(kind=kind or None, subject=uuid_of(subject) if subject else None)
        found = list((wanted.filter(seq__lt=before) if before else wanted)[: PAGE_ROWS + 1])
        return self.page(
            "console/ledger.html",
            tab=TAB,
            rows=_rows(found[:PAGE_ROWS]),
            older=found[PAGE_ROWS - 1].seq if len(found) > PAGE_ROWS else None,
            is_first=not before,
            kind=kind,
            kind_words=_words(kind),
            subject=subject,
            has_entries=ledger.end_of(self.actor.tenant_id).seq > 0,
            verdict=None if check is None else ledger.verify_from(self.actor.tenant_id, check),
        )


class LedgerEntryPage(MemberPage):
    needs = {"GET": "view_ledger"}

    def get(self, request: HttpRequest, entry_id: UUID) -> TemplateResponse:
        entry = ledger.get_entry(entry_id)
        (row,) = _rows([entry])
        partners = list(zip(row.with_names, entry.others, strict=True))
        said = [(name, value, _page(name, value)) for name, value in row.payload.items()]
        shown = {"row": row, "said": said, "text": ledger.text_of(entry), "partners": partners}
        return self.page("console/ledger_entry.html", tab=TAB, **shown)


class WholeBundle(MemberPage):
    """The newest entries, as many as a bundle holds."""

    needs = {"GET": "view_ledger"}

    def get(self, request: HttpRequest) -> FileResponse:
        return saved(ledger.range_bundle(), "ledger.zip")


class AboutBundle(MemberPage):
    needs = {"GET": "view_ledger"}

    def get(self, request: HttpRequest, subject_id: UUID) -> FileResponse:
        return saved(ledger.subject_bundle(subject_id), f"ledger-{subject_id}.zip")


def saved(file: IO[bytes], name: str) -> FileResponse:
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")


def _rows(entries: list[Any]) -> list[Row]:
    others = {tenant for entry in entries for tenant in entry.with_tenants}
    names = dict(tenants().filter(pk__in=others).values_list("pk", "name"))
    return [_row(entry, names) for entry in entries]


def _row(entry: Any, names: dict[UUID, str]) -> Row:
    payload = json.loads(entry.payload)
    about = next((payload[key] for key in ("title", "name", "comment") if payload.get(key)), "")
    # Who is not listed is known by their key only.
    with_names = [names.get(tenant, str(tenant)) for tenant in entry.with_tenants]
    return Row(entry, _words(entry.kind), str(about), payload, with_names)


def _page(name: str, value: Any) -> str:
    """Where what the entry names is shown; the reader's rights are judged there."""
    try:
        return reverse(PAGES[name], args=[UUID(str(value))])
    except (KeyError, ValueError):
        return ""


def _words(kind: str) -> str:
    return kind.replace(".", " ").replace("_", " ").capitalize()


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise NotFound
    return int(text)
