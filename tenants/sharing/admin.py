"""The access matrix in both administrations: who may see what, why, and until when."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from tenants.admin_sites import ReadOnly, show
from tenants.agreements.queries import CURRENT
from tenants.models import Clause, Delegation
from tenants.roles import SITE_PERMISSIONS
from tenants.sharing.queries import IN_FORCE, Way, ways_of
from tenants.sharing.standing import WORDS
from tenants.sharing.words import basis_of, narrowing_of, place_of


class InForce(admin.SimpleListFilter):
    title = "in force"
    parameter_name = "in_force"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Clause]) -> QuerySet[Clause]:
        return {"yes": queryset.filter, "no": queryset.exclude}.get(self.value() or "", lambda _: queryset)(IN_FORCE)


class Permitted(admin.SimpleListFilter):
    title = parameter_name = "permission"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(SITE_PERMISSIONS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Clause]) -> QuerySet[Clause]:
        return queryset.filter(permissions__contains=[self.value()]) if self.value() else queryset


def _cell(permission: str) -> Callable[[Clause], bool | None]:
    """Open, shut, or not in the clause."""

    @admin.display(description=permission.replace("_", " "), boolean=True)
    def cell(clause: Clause) -> bool | None:
        return _way(clause).in_force if permission in clause.permissions else None

    cell.__name__ = permission
    return cell


class AccessAdmin(ReadOnly):
    list_display = (
        *("place", "owner", "partner"),
        *(_cell(name) for name in SITE_PERMISSIONS),
        *("until", "why", "narrowed"),
    )
    list_filter = (InForce, Permitted, "agreement__status", "agreement__kind", "agreement__partner_name")
    search_fields = ("code", "name", "agreement__title", "agreement__owner_name", "agreement__partner_name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Clause]:
        return CURRENT.select_related("agreement", "version")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = {"title": "Who may see what, why, and until when"}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    @admin.display(ordering="code")
    def place(self, clause: Clause) -> str:
        return place_of(clause)

    @admin.display(ordering="agreement__owner_name")
    def owner(self, clause: Clause) -> str:
        return clause.agreement.owner_name

    @admin.display(ordering="agreement__partner_name")
    def partner(self, clause: Clause) -> str:
        return clause.agreement.partner_name

    def until(self, clause: Clause) -> datetime | None:
        return _way(clause).ends_at

    def why(self, clause: Clause) -> str:
        reasons = [WORDS[reason] for reason in _way(clause).why_not]
        return "; ".join([basis_of(clause), *reasons])

    def narrowed(self, clause: Clause) -> str:
        return ", ".join(narrowing_of(clause)) or "in full"


def _way(clause: Clause) -> Way:
    """All permissions of a clause stand and fall together."""
    return ways_of([clause])[0]


class DelegationAdmin(ReadOnly):
    list_display = ("agreement", "roles", "set_by", "set_at")
    list_select_related = ("agreement", "set_by")


show({Clause: AccessAdmin, Delegation: DelegationAdmin})
