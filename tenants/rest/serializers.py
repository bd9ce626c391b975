"""Shapes of tenants over HTTP. Input serializers validate form; actions decide."""

from typing import Any

from rest_framework import serializers

from tenants.models import Agreement, ApiKey, Clause, Equipment, Membership, Site, Tenant
from tenants.roles import CAPABILITIES, SITE_PERMISSIONS


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


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    email = serializers.EmailField(source="user.email", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = Membership
        fields = ["id", "email", "name", "roles", "created_at"]


class SiteSerializer(serializers.ModelSerializer[Site]):
    owner = serializers.UUIDField(source="tenant_id", read_only=True)
    mine = serializers.UUIDField(source="mine_id", allow_null=True, required=False)
    company = serializers.UUIDField(source="company_id", allow_null=True, required=False)

    class Meta:
        model = Site
        fields = [
            *["id", "owner", "code", "name", "kind", "company", "mine"],
            *["time_zone", "currency", "units", "created_at"],
        ]
        read_only_fields = ["created_at"]


class EquipmentSerializer(serializers.ModelSerializer[Equipment]):
    owner = serializers.UUIDField(source="tenant_id", read_only=True)
    site = serializers.UUIDField(source="site_id")
    process = serializers.UUIDField(source="process_id", allow_null=True, required=False)

    class Meta:
        model = Equipment
        fields = ["id", "owner", "site", "process", "code", "name", "kind", "created_at"]
        read_only_fields = ["created_at"]


class WindowSerializer(serializers.Serializer[Any]):
    begins_at = serializers.DateTimeField(source="lower")
    ends_at = serializers.DateTimeField(source="upper", allow_null=True, required=False, default=None)


class ClauseSerializer(serializers.ModelSerializer[Clause]):
    site = serializers.UUIDField(source="site_id", allow_null=True, required=False)
    equipment = serializers.UUIDField(source="equipment_id", allow_null=True, required=False)
    permissions = serializers.ListField(
        child=serializers.ChoiceField(list(SITE_PERMISSIONS)), min_length=1, max_length=len(SITE_PERMISSIONS)
    )
    during = WindowSerializer()

    class Meta:
        model = Clause
        fields = ["id", "site", "equipment", "permissions", "during"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("site_id")) == bool(attrs.get("equipment_id")):
            raise serializers.ValidationError("Name either a site or a piece of equipment.")
        return attrs


class AgreementSerializer(serializers.ModelSerializer[Agreement]):
    owner = serializers.UUIDField(source="tenant_id", read_only=True)
    partner = serializers.UUIDField(source="partner_id")
    clauses = ClauseSerializer(many=True)

    class Meta:
        model = Agreement
        fields = [
            *["id", "owner", "partner", "title", "purpose", "status", "clauses"],
            *["created_at", "activated_at", "ended_at", "end_reason"],
        ]
        read_only_fields = ["status", "created_at", "activated_at", "ended_at", "end_reason"]

    def validate_clauses(self, clauses: list[Any]) -> list[Any]:
        if not 1 <= len(clauses) <= 100:
            raise serializers.ValidationError("Give 1 to 100 clauses.")
        return clauses


class EndSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=200)


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    scopes = serializers.ListField(
        child=serializers.ChoiceField(sorted(CAPABILITIES)), min_length=1, max_length=len(CAPABILITIES)
    )

    class Meta:
        model = ApiKey
        fields = ["id", "name", "prefix", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at"]
        read_only_fields = ["prefix", "created_at", "revoked_at", "last_used_at"]


class NewApiKeySerializer(ApiKeySerializer):
    """The secret is shown only in this answer."""

    secret = serializers.CharField(read_only=True)

    class Meta(ApiKeySerializer.Meta):
        fields = [*ApiKeySerializer.Meta.fields, "secret"]
