"""Identity and organisations over HTTP."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import access, queries
from tenants.models import Tenant
from tenants.rest.base import ActorView, ListView
from tenants.rest.serializers import IdentitySerializer, TenantSerializer
from tenants.roles import CAPABILITIES


class IdentityView(ActorView):
    needs = {"GET": "view_registry"}

    @extend_schema(responses=IdentitySerializer)
    def get(self, request: Request) -> Response:
        actor = access.actor()
        member = queries.members().filter(user=actor.user_id).first()
        body = {
            "tenant": Tenant.objects.get(pk=actor.tenant_id),
            "user": member.user.email if member else None,
            "roles": sorted(actor.roles),
            "capabilities": sorted(name for name in CAPABILITIES if actor.can(name)),
            "via": actor.via,
        }
        return Response(IdentitySerializer(body).data)


class TenantList(ListView):
    needs = {"GET": "view_registry"}
    serializer_class = TenantSerializer
    rows = staticmethod(queries.tenants)
