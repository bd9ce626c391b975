"""The ledger over HTTP: parse, one query, render."""

from typing import IO, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from tenants import access
from tenants.ledger import bundle, queries
from tenants.ledger.serializers import (
    LedgerEntryDetailSerializer,
    LedgerEntrySerializer,
    LedgerFilterSerializer,
    StretchSerializer,
    VerdictSerializer,
    VerifyFromSerializer,
)
from tenants.ledger.supervising import bundle_supervised, verify_supervised
from tenants.ledger.verification import verify_from
from tenants.models import LedgerEntry
from tenants.rest.base import ActorView, ListView
from tenants.rest.files import FileView, answers
from tenants.rest.pagination import NewestFirst

ZIP = "application/zip"


class NewestEntries(NewestFirst):
    ordering = "-seq"


class LedgerEntryList(ListView):
    """What was decided, newest first; never changed."""

    needs = {"GET": "view_ledger"}
    serializer_class = LedgerEntrySerializer
    pagination_class = NewestEntries
    queryset = LedgerEntry.objects.none()

    def get_queryset(self) -> QuerySet[LedgerEntry]:
        return queries.entries_where(**_asked(LedgerFilterSerializer, self.request))

    @extend_schema(parameters=[LedgerFilterSerializer], responses=LedgerEntrySerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)


class LedgerEntryDetail(ActorView):
    needs = {"GET": "view_ledger"}

    @extend_schema(responses=LedgerEntryDetailSerializer)
    def get(self, request: Request, entry_id: UUID) -> Response:
        return Response(LedgerEntryDetailSerializer(queries.get_entry(entry_id)).data)


class LedgerVerify(ActorView):
    """Follow the chain anew, up to 20,000 entries at once, and name the first one that is not as it was made.

    Who has a mandate may ask so of its `owner`.
    """

    needs = {"GET": "view_ledger"}

    @extend_schema(parameters=[VerifyFromSerializer], responses=VerdictSerializer)
    def get(self, request: Request) -> Response:
        asked = _asked(VerifyFromSerializer, request)
        me, after = access.actor().tenant_id, asked["after"]
        owner_id = asked.get("owner", me)
        verdict = verify_from(me, after) if owner_id == me else verify_supervised(owner_id, after)
        return Response(VerdictSerializer(verdict).data)


class LedgerBundle(FileView):
    """Entries `first` to `last` with the script that checks them, at most 100,000; the newest by default.

    Who has a mandate may ask so of its `owner`: digests only, and which entries are in the own ledger, too.
    """

    needs = {"GET": "view_ledger"}

    @extend_schema(parameters=[StretchSerializer], responses=answers(ZIP))
    def get(self, request: Request) -> FileResponse:
        asked = _asked(StretchSerializer, request)
        me = access.actor().tenant_id
        owner_id = asked.pop("owner", me)
        found = bundle.range_bundle(**asked) if owner_id == me else bundle_supervised(owner_id, **asked)
        return _answer(found, "ledger.zip")


class LedgerSubjectBundle(FileView):
    """The entries about one agreement, plan release, alarm or claim, and the digests that chain them."""

    needs = {"GET": "view_ledger"}

    @extend_schema(responses=answers(ZIP))
    def get(self, request: Request, subject_id: UUID) -> FileResponse:
        return _answer(bundle.subject_bundle(subject_id), f"ledger-{subject_id}.zip")


def _answer(file: IO[bytes], name: str) -> FileResponse:
    return FileResponse(file, as_attachment=True, filename=name, content_type=ZIP)


def _asked(form: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    bound = form(data=request.query_params)
    bound.is_valid(raise_exception=True)
    return dict(bound.validated_data)
