"""Shapes of the tree over HTTP."""

from typing import Any

from rest_framework import serializers

from tenants.models import Closure, Company, Equipment, Export, Process
from tenants.rest.masked import MaskedSerializer, nullable, refuse_null
from tenants.rest.serializers import SiteSerializer, TenantSerializer


class CompanySerializer(serializers.ModelSerializer[Company]):
    parent = serializers.UUIDField(source="parent_id", allow_null=True, required=False)

    class Meta:
        model = Company
        fields = ["id", "code", "name", "parent", "created_at"]
        read_only_fields = ["created_at"]


class ProcessSerializer(MaskedSerializer[Process]):
    owner = serializers.UUIDField(source="tenant_id", read_only=True)
    site = serializers.UUIDField(source="site_id")

    class Meta:
        model = Process
        fields = ["id", "owner", "site", "code", "name", "kind", "created_at", "masked"]
        read_only_fields = ["created_at"]
        extra_kwargs = nullable(Process, "name")

    validate_name = staticmethod(refuse_null)


class ProcessChangeSerializer(serializers.ModelSerializer[Process]):
    class Meta:
        model = Process
        fields = ["code", "name", "kind"]


class SiteChangeSerializer(SiteSerializer):
    class Meta(SiteSerializer.Meta):
        read_only_fields = ["created_at", "kind"]


class EquipmentChangeSerializer(serializers.ModelSerializer[Equipment]):
    process = serializers.UUIDField(source="process_id", allow_null=True, required=False)

    class Meta:
        model = Equipment
        fields = ["code", "name", "kind", "process"]


class TreeSiteSerializer(SiteSerializer):
    equipment_n = serializers.IntegerField()

    class Meta(SiteSerializer.Meta):
        fields = [*SiteSerializer.Meta.fields, "equipment_n"]


class TreeProcessSerializer(ProcessSerializer):
    equipment_n = serializers.IntegerField()

    class Meta(ProcessSerializer.Meta):
        fields = [*ProcessSerializer.Meta.fields, "equipment_n"]


class TreeSerializer(serializers.Serializer[Any]):
    """The whole organisation in one answer; parents are named by id."""

    organisation = TenantSerializer()
    companies = CompanySerializer(many=True)
    sites = TreeSiteSerializer(many=True)
    processes = TreeProcessSerializer(many=True)


class ExportSerializer(serializers.ModelSerializer[Export]):
    """An archive that was asked for; `ready` ones are fetched once until `expires_at`."""

    class Meta:
        model = Export
        fields = [
            *["id", "status", "requested_at", "n_files", "n_rows", "size_bytes", "sha256"],
            *["message", "finished_at", "expires_at"],
        ]
        read_only_fields = fields


class ClosureSerializer(serializers.ModelSerializer[Closure]):
    """The wish to close the organisation; `receipt` is there once its rows are deleted."""

    class Meta:
        model = Closure
        fields = ["id", "reason", "requested_at", "purge_after", "withdrawn_at", "purged_at", "receipt"]
        read_only_fields = ["requested_at", "purge_after", "withdrawn_at", "purged_at", "receipt"]


class StandingClosureSerializer(serializers.Serializer[Any]):
    """The wish that stands, if there is one."""

    closure = ClosureSerializer(allow_null=True)


class NewClosureSerializer(serializers.Serializer[Any]):
    slug = serializers.SlugField(
        max_length=50, help_text="The organisation's own short name, to show that it is meant."
    )
    reason = serializers.CharField(max_length=200)
