"""Shapes of shared reads over HTTP."""

from typing import Any

from rest_framework import serializers

from tenants.models import SharedRead


class SharedReadFilterSerializer(serializers.Serializer[Any]):
    """`side`: given to partners, or taken from them. `since` ≤ read_at < `until`; the others compare exactly."""

    side = serializers.ChoiceField(["given", "taken"], required=False)
    owner = serializers.UUIDField(required=False, source="tenant")
    reader = serializers.UUIDField(required=False)
    agreement = serializers.UUIDField(required=False)
    clause = serializers.UUIDField(required=False)
    user = serializers.UUIDField(required=False, source="user_id")
    kind = serializers.CharField(required=False, max_length=60)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class SharedReadSerializer(serializers.ModelSerializer[SharedRead]):
    """What `reader` was given in one request by one clause; `ids_hash` is the SHA-256 of the sorted ids, one a line."""

    owner = serializers.UUIDField(source="tenant_id")
    owner_name = serializers.CharField(source="agreement.owner_name")
    reader = serializers.UUIDField(source="reader_id")
    reader_name = serializers.CharField(source="agreement.partner_name")
    user = serializers.UUIDField(source="user_id", allow_null=True)
    agreement = serializers.UUIDField(source="agreement_id")
    agreement_title = serializers.CharField(source="agreement.title")
    clause = serializers.UUIDField(source="clause_id")

    class Meta:
        model = SharedRead
        fields = [
            *["id", "read_at", "owner", "owner_name", "reader", "reader_name", "user", "user_name", "via"],
            *["agreement", "agreement_title", "clause", "permission", "purpose"],
            *["kind", "n_rows", "first_id", "last_id", "ids_hash"],
        ]
