"""What the two administrations show of an organisation: its tree, its archives, its closing; operators found one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse

from tenants import models
from tenants.admin_sites import ReadOnly, Registry, platform_site, show
from tenants.data import Invalid
from tenants.organisation.founding import found_organisation, refuse_unusable
from tenants.organisation.groups import put_in_group
from tenants.people.mail import mail_invitation


class CompanyAdmin(Registry):
    list_display = ("code", "name", "parent")
    search_fields = ("code", "name")


class ProcessAdmin(Registry):
    list_display = ("code", "name", "kind", "site")
    list_filter = ("kind",)
    search_fields = ("code", "name")


class ExportAdmin(ReadOnly):
    list_display = ("requested_at", "requested_by", "status", "n_rows", "size_bytes", "expires_at")
    list_filter = ("status",)


class ClosureAdmin(ReadOnly):
    list_display = ("requested_at", "requested_by", "reason", "purge_after", "withdrawn_at", "purged_at")


class FoundForm(forms.ModelForm):
    """A new organisation and the address of its first owner."""

    email = forms.EmailField(label="First owner", help_text="is sent an invitation")

    class Meta:
        model = models.Tenant
        fields = ["slug", "name", "kind", "currency", "time_zone"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        try:
            if not self.errors:
                refuse_unusable(**given)
        except Invalid as refusal:
            for error in refusal.errors:
                self.add_error(error.pointer.strip("/"), error.message)
        return given


class OrganisationAdmin(ReadOnly):
    """Operators found organisations here and say which group they belong to; what is in them is their own affair."""

    list_display = ("name", "slug", "kind", "group_name", "listed", "created_at", "closing_at")
    list_filter = ("kind",)
    search_fields = ("name", "slug", "group_name")

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = [field.name for field in self.opts.local_fields if field.name != "group_name"]
        return names if obj else ()

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        return super().get_form(request, obj, change, **kwargs) if obj else FoundForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fields(request, obj) if obj else [*FoundForm.Meta.fields, "email"]

    def save_model(self, request: HttpRequest, obj: models.Tenant, form: Any, change: bool) -> None:
        if change:
            obj.refresh_from_db()  # the form has put the new name on it
            put_in_group(tenant=obj, group_name=form.cleaned_data["group_name"])
            return
        founded = found_organisation(**form.cleaned_data)
        obj.pk = founded.tenant.pk
        link = request.build_absolute_uri(reverse("accept-invitation", args=[founded.token]))
        mail_invitation(founded.invitation, link)
        messages.info(request, f"{founded.invitation.email} was sent an invitation.")
        if founded.rate_plan is None:
            messages.warning(request, f"There is no rate plan in {obj.currency}: make one, or usage has no price.")


show(
    {
        models.Company: CompanyAdmin,
        models.Process: ProcessAdmin,
        models.Export: ExportAdmin,
        models.Closure: ClosureAdmin,
    }
)
platform_site.register(models.Tenant, OrganisationAdmin)
