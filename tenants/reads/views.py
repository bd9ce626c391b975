"""Who was given what, over HTTP."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.models import SharedRead
from tenants.reads import queries
from tenants.reads.serializers import SharedReadFilterSerializer, SharedReadSerializer
from tenants.rest.base import ListView


class SharedReadList(ListView):
    """Rows given to partners, and rows that partners gave: one record for each request, clause and kind of row."""

    needs = {"GET": "view_agreements"}
    serializer_class = SharedReadSerializer
    queryset = SharedRead.objects.none()

    def get_queryset(self) -> QuerySet[SharedRead]:
        asked = SharedReadFilterSerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return queries.shared_reads(**asked.validated_data)

    @extend_schema(parameters=[SharedReadFilterSerializer], responses=SharedReadSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)
