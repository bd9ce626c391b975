"""Agreements in the two administrations; a platform operator also lays mandates there, and ends them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from tenants import models
from tenants.admin_sites import ReadOnly, platform_site, show
from tenants.agreements.actions import end_agreement
from tenants.agreements.mandates import lay_mandate, places_of
from tenants.people.operators import REASON
from tenants.roles import SITE_PERMISSIONS

OPERATOR = "ended by an operator of the platform: {}"


class Shown(admin.TabularInline):
    """Rows that are looked at beside their agreement."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: object, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False

    def has_view_permission(self, request: object, obj: object = None) -> bool:
        return True


class VersionInline(Shown):
    model = models.AgreementVersion
    fields = ("number", "author", "title", "purpose", "ends_at", "terms", "text_hash", "created_at", "offered_at")


class ClauseInline(Shown):
    model = models.Clause
    fields = ("version", "code", "name", "permissions", "during", "purpose", "field_mask", "delay_s", "floor_n")


class SignatureInline(Shown):
    model = models.Signature
    fields = ("version", "party", "user_name", "via", "text_hash", "signed_at")


class MandateForm(forms.ModelForm):
    """What a statute opens to a regulator on the sites of one organisation: all of them if none is chosen."""

    owner = forms.ModelChoiceField(models.Tenant.objects.all())
    regulator = forms.ModelChoiceField(models.Tenant.objects.filter(kind="regulator"))
    permissions = forms.MultipleChoiceField(choices=list(SITE_PERMISSIONS.items()), widget=forms.CheckboxSelectMultiple)
    sites = forms.ModelMultipleChoiceField(models.Site.objects.order_by("tenant", "code"), required=False)

    class Meta:
        model = models.Agreement
        fields = ["title", "statute", "purpose", "ends_at"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.kind = models.Agreement.Kind.MANDATE
        self.fields["statute"].required = True

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        owner, ends_at = found.get("owner"), found.get("ends_at")
        if owner is not None and owner == found.get("regulator"):
            self.add_error("owner", "Name another organisation than the regulator.")
        if owner is not None and any(site.tenant_id != owner.pk for site in found.get("sites", ())):
            self.add_error("sites", "Choose sites of that owner only.")
        if ends_at is not None and ends_at <= timezone.now():
            self.add_error("ends_at", "Give a time to come.")
        if owner is not None and not found.get("sites"):
            found["sites"] = places_of(owner)
            if not found["sites"]:
                self.add_error("owner", "This organisation has no site.")
        return found

    def lay(self) -> models.Agreement:
        given = dict(self.cleaned_data)
        permissions, window = given.pop("permissions"), (timezone.now(), None)
        clauses = [{"site": site, "permissions": permissions, "during": window} for site in given.pop("sites")]
        return lay_mandate(clauses=clauses, **given)


class AgreementAdmin(ReadOnly):
    list_display = ("title", "tenant", "partner", "kind", "status", "activated_at", "ends_at", "ended_at")
    list_filter = ("status", "kind")
    list_select_related = ("tenant", "partner")
    search_fields = ("title", "owner_name", "partner_name")
    inlines = (VersionInline, ClauseInline, SignatureInline)
    actions = ("end_mandates",)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """What is added here is a mandate."""
        return self.admin_site is platform_site

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_actions(request) if self.admin_site is platform_site else {}

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj is not None else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs) if obj is not None else MandateForm

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> models.Agreement:
        mandate: models.Agreement = form.lay()
        return mandate

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """`lay` has written it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """`lay` has written it."""

    @admin.action(description="End the chosen mandates")
    def end_mandates(self, request: HttpRequest, chosen: QuerySet[models.Agreement]) -> None:
        reason = OPERATOR.format(request.session[REASON])[:200]
        mandates = list(chosen.filter(kind=models.Agreement.Kind.MANDATE, status="active"))
        for mandate in mandates:
            end_agreement(agreement=mandate, reason=reason)
        self.message_user(request, f"{len(mandates)} mandates ended; agreements of other kinds are their parties' own.")


class AgreementVersionAdmin(ReadOnly):
    list_display = ("agreement", "number", "author", "text_hash", "offered_at")
    list_select_related = ("agreement", "author")
    search_fields = ("text_hash",)


class SignatureAdmin(ReadOnly):
    list_display = ("agreement", "version", "party", "user_name", "via", "signed_at")
    list_select_related = ("agreement", "version", "party")
    search_fields = ("user_name", "text_hash")


show(
    {
        models.Agreement: AgreementAdmin,
        models.AgreementVersion: AgreementVersionAdmin,
        models.Signature: SignatureAdmin,
    }
)
