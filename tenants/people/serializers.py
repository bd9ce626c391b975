"""Shapes of people and programs over HTTP."""

from datetime import timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from rest_framework import serializers

from tenants.models import ApiKey, Invitation, Membership, ServiceAccount
from tenants.roles import CAPABILITIES, ROLES

# Within which a program must have changed over to its new key.
KEEP_S, MOST_KEPT_S = 86_400, int(timedelta(days=30).total_seconds())


class RolesField(serializers.ListField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.ChoiceField(list(ROLES)), min_length=1, max_length=len(ROLES), **kwargs)


class RoleSerializer(serializers.Serializer[Any]):
    """A line of the permission matrix."""

    role = serializers.CharField()
    capabilities = serializers.ListField(child=serializers.CharField())


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    email = serializers.EmailField(source="user.email", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)
    is_program = serializers.SerializerMethodField()

    class Meta:
        model = Membership
        fields = ["id", "user", "email", "name", "is_program", "roles", "created_at"]

    def get_is_program(self, row: Membership) -> bool:
        return row.user.service_of_id is not None


class NewRolesSerializer(serializers.Serializer[Any]):
    roles = RolesField()


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    """Without its token, which only the invited person's mailbox receives."""

    roles = RolesField()
    invited_by = serializers.EmailField(source="invited_by.email", read_only=True, allow_null=True)

    class Meta:
        model = Invitation
        fields = ["id", "email", "roles", "invited_by", "created_at", "expires_at", "accepted_at", "revoked_at"]
        read_only_fields = ["created_at", "expires_at", "accepted_at", "revoked_at"]


class ServiceAccountSerializer(serializers.ModelSerializer[ServiceAccount]):
    """`user` is who its deeds are recorded under, and what a delegation names."""

    name = serializers.CharField(source="user.name", max_length=200)
    roles = RolesField(write_only=True)
    purpose = serializers.CharField(max_length=200, required=False, allow_blank=True)

    class Meta:
        model = ServiceAccount
        fields = ["id", "user", "name", "roles", "purpose", "created_at", "retired_at"]
        read_only_fields = ["user", "created_at", "retired_at"]


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    """`member` is whom it acts as: its maker, unless a `service_account` was named."""

    scopes = serializers.ListField(
        child=serializers.ChoiceField(sorted(CAPABILITIES)), min_length=1, max_length=len(CAPABILITIES)
    )
    member = serializers.UUIDField(source="user_id", read_only=True)
    replaces = serializers.UUIDField(source="replaces_id", read_only=True, allow_null=True)
    service_account = serializers.UUIDField(write_only=True, required=False)

    class Meta:
        model = ApiKey
        fields = [
            *["id", "name", "prefix", "member", "service_account", "scopes", "replaces"],
            *["created_at", "expires_at", "revoked_at", "last_used_at"],
        ]
        read_only_fields = ["prefix", "created_at", "revoked_at", "last_used_at"]


class NewApiKeySerializer(ApiKeySerializer):
    """The secret is shown only in this answer."""

    secret = serializers.CharField(read_only=True)

    class Meta(ApiKeySerializer.Meta):
        fields = [*ApiKeySerializer.Meta.fields, "secret"]


class RotationSerializer(serializers.Serializer[Any]):
    expires_at = serializers.DateTimeField(help_text="When the new key expires.")
    keep_s = serializers.IntegerField(
        default=KEEP_S, min_value=0, max_value=MOST_KEPT_S, help_text="How long the old key still opens."
    )


class SessionSerializer(serializers.ModelSerializer[UserSession]):
    is_current = serializers.SerializerMethodField()

    class Meta:
        model = UserSession
        fields = ["id", "created_at", "last_seen_at", "ip", "user_agent", "is_current"]
        read_only_fields = fields

    def get_is_current(self, row: UserSession) -> bool:
        return bool(row.session_key == self.context["request"].session.session_key)
