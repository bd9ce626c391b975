"""What the two administrations show of usage. Operators make rate plans and assign them; nothing else is written."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from tenants import models
from tenants.admin_sites import ReadOnly, platform_site, show
from tenants.data import Invalid
from tenants.metering.rates import refuse_other_currency


class UsageEventAdmin(ReadOnly):
    list_display = ("meter", "quantity", "hour", "source", "subject_kind", "subject_id", "counterpart")
    list_filter = ("meter", "source")
    list_select_related = ("counterpart",)


class UsageHourAdmin(ReadOnly):
    list_display = ("meter", "hour", "quantity", "n_events")
    list_filter = ("meter",)
    ordering = ("-hour",)


class UsageMarkAdmin(ReadOnly):
    list_display = ("round", "through", "moved_at")


class StatementAdmin(ReadOnly):
    list_display = ("month", "currency", "total_minor", "closed_at", "plan")
    list_select_related = ("plan",)


class BudgetAdmin(ReadOnly):
    list_display = ("cap_minor", "warn_frac", "stops", "set_by", "set_at")
    list_select_related = ("set_by",)


class MadeOnce(ReadOnly):
    """Platform operators add rows; what there is never changes."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return self.admin_site is platform_site


class RateInline(admin.TabularInline):
    model = models.Rate
    extra = 5

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_delete_permission = has_change_permission


class RatePlanAdmin(MadeOnce):
    list_display = ("name", "currency", "kind", "is_standard", "from_month")
    list_filter = ("currency", "kind", "is_standard")
    search_fields = ("name",)
    inlines = (RateInline,)


class AssignmentForm(forms.ModelForm):
    """The organisation that pays by the plan is named when the row is made."""

    organisation = forms.ModelChoiceField(models.Tenant.objects.none())

    class Meta:
        model = models.RateAssignment
        fields = ("organisation", "plan", "from_month")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "organisation" in self.fields:
            self.fields["organisation"].queryset = models.Tenant.objects.all()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        tenant, plan = given.get("organisation"), given.get("plan")
        if tenant is not None and plan is not None:
            self.instance.tenant = tenant
            try:
                refuse_other_currency(tenant, plan)
            except Invalid as refusal:
                self.add_error("plan", refusal.detail)
        return given


class RateAssignmentAdmin(MadeOnce):
    list_display = ("plan", "from_month")
    list_select_related = ("plan",)
    form = AssignmentForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("plan", "from_month") if obj is not None else ("organisation", "plan", "from_month")


show(
    {
        models.UsageEvent: UsageEventAdmin,
        models.UsageHour: UsageHourAdmin,
        models.Statement: StatementAdmin,
        models.Budget: BudgetAdmin,
        models.RatePlan: RatePlanAdmin,
        models.RateAssignment: RateAssignmentAdmin,
    }
)
platform_site.register(models.UsageMark, UsageMarkAdmin)
