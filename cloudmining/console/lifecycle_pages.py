"""Taking the organisation's data out, and closing it."""

from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from cloudmining.console.base import MemberPage
from cloudmining.console.organisation_forms import ClosingForm
from tenants.api import feed_head
from tenants.data import Conflict, Invalid, NotFound
from tenants.organisation import api as organising

NEEDS: Final = "manage_organisation"
TAB: Final = "console-data"
SHOWN: Final = 10
TONES: Final = {"queued": "going", "running": "going", "ready": "good", "failed": "bad"}


class Data(MemberPage):
    """Archives that were asked for, and the organisation's closing."""

    needs = {"GET": NEEDS, "POST": NEEDS}
    template = "console/data.html"

    def get(self, request: HttpRequest) -> TemplateResponse:
        return self.shown(ClosingForm())

    def shown(self, form: ClosingForm, status: int = 200) -> TemplateResponse:
        head = feed_head()
        found = list(organising.exports().order_by("-pk")[:SHOWN])
        for export in found:
            export.tone = TONES.get(export.status, "low")
            export.is_owed = export.status in ("queued", "running")
        context = {"exports": found, "is_owed": any(each.is_owed for each in found)}
        closing = {"closure": organising.closure(), "form": form, "grace_days": settings.CLOSING_GRACE_DAYS}
        response = self.page(self.template, tab=TAB, head=head, **context, **closing)
        response.status_code = status
        return response


class ExportRows(Data):
    """The list of archives as it stands now."""

    template = "console/_exports.html"


class DataStep(MemberPage):
    """What can be asked for without words: an archive, its end, the way back from closing."""

    needs = {"POST": NEEDS}

    def post(self, request: HttpRequest, step: str) -> HttpResponse:
        if step == "export":
            organising.request_export()
        elif step == "withdraw":
            standing = organising.closure()
            if standing is None:
                raise Conflict("The organisation is not closing.")
            organising.withdraw_closure(closure=standing)
        else:
            raise NotFound
        return redirect(TAB)


class ExportStep(MemberPage):
    needs = {"POST": NEEDS}

    def post(self, request: HttpRequest, export_id: UUID, step: str) -> HttpResponseBase:
        export = organising.get_export(export_id)
        if step == "cancel":
            organising.cancel_export(export=export)
            return redirect(TAB)
        if step == "fetch":
            archive = organising.fetch_export(export=export)
            return organising.archive_answer(archive, export.pk, export.size_bytes or 0)
        raise NotFound


class Close(Data):
    """The form that closes the organisation."""

    needs = {"POST": NEEDS}

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ClosingForm(request.POST)
        if form.is_valid():
            try:
                with transaction.atomic():
                    organising.request_closure(**form.cleaned_data)
                return redirect(TAB)
            except Invalid as refusal:
                form.add_error("slug", refusal.detail)
        return self.shown(form, status=422)
