"""Shapes of tenants over HTTP. Input serializers validate form; actions decide."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.models import Equipment, Site, Tenant
from tenants.rest.masked import MaskedSerializer, nullable, refuse_null
from tenants.units import STATED


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    class Meta:
        model = Tenant
        fields = ["id", "slug", "name", "kind"]


class IdentitySerializer(serializers.Serializer[Any]):
    """Who the credential stands for."""

    tenant = TenantSerializer()
    user = serializers.EmailField(allow_null=True)
    roles = serializers.ListField(child=serializers.CharField())
    capabilities = serializers.ListField(child=serializers.CharField())
    via = serializers.CharField()


class DisplayUnitsSerializer(serializers.Serializer[Any]):
    """UCUM codes."""

    mass = serializers.CharField()
    length = serializers.CharField()
    volume = serializers.CharField()


class SiteSerializer(MaskedSerializer[Site]):
    """`display_units` are those in which people want its figures to be shown; what is stored is in SI units."""

    display_units = serializers.SerializerMethodField()
    owner = serializers.UUIDField(source="tenant_id", read_only=True)
    mine = serializers.UUIDField(source="mine_id", allow_null=True, required=False)
    company = serializers.UUIDField(source="company_id", allow_null=True, required=False)

    class Meta:
        model = Site
        fields = [
            *["id", "owner", "code", "name", "kind", "company", "mine"],
            *["time_zone", "currency", "country", "units", "display_units", "created_at", "masked"],
        ]
        read_only_fields = ["created_at"]
        extra_kwargs = nullable(Site, "name")

    validate_name = staticmethod(refuse_null)

    @extend_schema_field(DisplayUnitsSerializer)
    def get_display_units(self, row: Site) -> dict[str, str]:
        return STATED[row.units]


class EquipmentSerializer(MaskedSerializer[Equipment]):
    owner = serializers.UUIDField(source="tenant_id", read_only=True)
    site = serializers.UUIDField(source="site_id")
    process = serializers.UUIDField(source="process_id", allow_null=True, required=False)

    class Meta:
        model = Equipment
        fields = ["id", "owner", "site", "process", "code", "name", "kind", "created_at", "masked"]
        read_only_fields = ["created_at"]
        extra_kwargs = nullable(Equipment, "name", "kind")

    validate_name = validate_kind = staticmethod(refuse_null)
