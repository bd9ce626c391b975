"""Rules in the administrations: an organisation writes them there by the same actions as elsewhere."""

from typing import Any

from django import forms
from django.http import HttpRequest

from edge_bridge import models
from edge_bridge.catalogue.actions import change_rule, check_new, check_rule, make_rule
from edge_bridge.catalogue.data import MAX_WORDS_CHARS
from tenants.admin_sites import OwnRowForm, ReadOnly, Registry, show
from tenants.data import Refusal


class RuleForm(OwnRowForm):
    """Saving is to make a version."""

    settings = forms.JSONField(help_text="An object: kind, equipment, tag, alarm_type and what the kind takes.")
    note = forms.CharField(required=False, max_length=MAX_WORDS_CHARS)

    class Meta:
        model = models.KeptRule
        fields = ["site", "name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["settings"] = self.instance.newest.settings

    def clean_settings(self) -> dict[str, Any]:
        settings = self.cleaned_data["settings"]
        if not isinstance(settings, dict):
            raise forms.ValidationError("Write an object.")
        return settings

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        try:
            if not self.errors:
                self._check(**given)
        except Refusal as refusal:
            for error in refusal.errors:
                field, _, place = error.pointer.strip("/").partition("/")
                self.add_error(field, f"{place}: {error.message}" if place else error.message)
            if not refusal.errors:
                self.add_error(None, refusal.detail)
        return given

    def _check(self, settings: dict[str, Any], **given: Any) -> None:
        if self.instance._state.adding:
            check_new(given["site"], given["name"], settings)
        else:
            check_rule(self.instance.site, self.instance.name, settings)


class KeptRuleAdmin(Registry):
    form = RuleForm
    list_display = ("name", "site", "enabled_n", "created_at", "retired_at")
    search_fields = ("name",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.retired_at is None)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        is_written = obj is None or self.has_change_permission(request, obj)
        return ["site", "name", *(["settings", "note"] if is_written else ["enabled_n", "retired_at"])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("site", "name") if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: models.KeptRule, form: Any, change: bool) -> None:
        said = {name: form.cleaned_data[name] for name in ("settings", "note")}
        kept = change_rule(rule=obj, **said) if change else make_rule(site=obj.site, name=obj.name, **said)
        obj.pk = kept.pk


class RuleVersionAdmin(ReadOnly):
    list_display = ("rule", "n", "template", "clause", "template_status", "warning", "made_at")
    search_fields = ("rule__name",)
    list_select_related = ("rule",)


class RuleTrialAdmin(ReadOnly):
    list_display = ("version", "status", "since", "until", "done_frac", "finished_at")
    list_filter = ("status",)
    list_select_related = ("version__rule",)


class GuardAdmin(ReadOnly):
    list_display = ("rule", "n", "equipment", "tag", "alarm_type", "limit", "is_safety", "began_at", "ended_at")
    search_fields = ("rule", "tag")
    list_filter = ("is_safety", "kind")
    list_select_related = ("equipment",)


class RulesInUseAdmin(ReadOnly):
    list_display = ("edge", "device", "digest", "refused", "detail", "said_at")


show(
    {
        models.KeptRule: KeptRuleAdmin,
        models.RuleVersion: RuleVersionAdmin,
        models.RuleTrial: RuleTrialAdmin,
        models.Guard: GuardAdmin,
        models.RulesInUse: RulesInUseAdmin,
    }
)
