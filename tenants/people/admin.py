"""What the two administrations show of people and programs; who joins and leaves is decided on the console."""

from tenants import models
from tenants.admin_sites import ReadOnly, show


class MembershipAdmin(ReadOnly):
    list_display = ("user", "roles", "created_at")
    search_fields = ("user__email", "user__name")
    list_select_related = ("user",)


class InvitationAdmin(ReadOnly):
    list_display = ("email", "roles", "invited_by", "expires_at", "accepted_at", "revoked_at")
    search_fields = ("email",)
    exclude = ("token_hash",)


class ServiceAccountAdmin(ReadOnly):
    list_display = ("user", "purpose", "created_by", "created_at", "retired_at")
    search_fields = ("user__name", "purpose")
    list_select_related = ("user", "created_by")


class ApiKeyAdmin(ReadOnly):
    list_display = ("name", "prefix", "user", "made_by", "expires_at", "revoked_at", "last_used_at")
    list_filter = ("revoked_at",)
    search_fields = ("name", "prefix", "user__email")
    exclude = ("secret_hash",)


class UserAdmin(ReadOnly):
    list_display = ("email", "name", "service_of", "is_active", "is_staff", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    exclude = ("password",)


show(
    {
        models.Membership: MembershipAdmin,
        models.Invitation: InvitationAdmin,
        models.ServiceAccount: ServiceAccountAdmin,
        models.ApiKey: ApiKeyAdmin,
        models.User: UserAdmin,
    }
)
