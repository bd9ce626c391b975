"""Who was given what, over HTTP."""

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.models import SharedRead
from tenants.reads import queries
from tenants.reads.serializers import SharedReadFilterSerializer, SharedReadSerializer
from tenants.reads.table import as_csv
from tenants.rest.base import ListView
from tenants.rest.files import CSV, FileView, answers, file_answer


class SharedReadList(ListView):
    """Rows given to partners, and rows that partners gave: one record for each request, clause and kind of row."""

    needs = {"GET": "view_agreements"}
    serializer_class = SharedReadSerializer
    queryset = SharedRead.objects.none()

    def get_queryset(self) -> QuerySet[SharedRead]:
        return _asked(self.request)

    @extend_schema(parameters=[SharedReadFilterSerializer], responses=SharedReadSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)


class SharedReadFile(FileView):
    needs = {"GET": "view_agreements"}

    @extend_schema(parameters=[SharedReadFilterSerializer], responses=answers(CSV))
    def get(self, request: Request) -> HttpResponse:
        """The same as a table, the newest 10,000."""
        return file_answer(as_csv(_asked(request)), CSV, "shared-reads.csv")


def _asked(request: Request) -> QuerySet[SharedRead]:
    asked = SharedReadFilterSerializer(data=request.query_params)
    asked.is_valid(raise_exception=True)
    return queries.shared_reads(**asked.validated_data)
