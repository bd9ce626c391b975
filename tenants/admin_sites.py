"""Two administrations on two database roles.

`platform_site` is for platform operators: it reads past the wall on the `platform` role, asks for a second factor and a
reason, for a while, and leaves a `PlatformAccess` row for each use. `tenant_site` is for an organisation's
administrators: it runs on the app role as they are, so that the wall decides what exists.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from tenants import access
from tenants.context import acting_as, as_platform, opened, presenting
from tenants.data import Actor, Unauthenticated
from tenants.ledger.actions import enter
from tenants.models import Tenant
from tenants.models.shared import SharedQuerySet
from tenants.people.operators import REASON, AccessForm, has_access, has_second_factor
from tenants.people.throttle import is_locked
from tenants.rest.authentication import actor_of_session


class IdentitySite(admin.AdminSite):
    """Runs each page, its rendering included, inside one transaction with an identity."""

    def identity(self, request: HttpRequest) -> AbstractContextManager[Any]:
        raise NotImplementedError

    def admin_view(self, view: Callable[..., HttpResponse], cacheable: bool = False) -> Callable[..., HttpResponse]:
        inner = super().admin_view(view, cacheable)

        def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not self.has_permission(request):
                return inner(request, *args, **kwargs)
            with self.identity(request):
                response = inner(request, *args, **kwargs)
                return response.render() if hasattr(response, "render") else response

        return run

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The person's own page, so that failures are counted, rules hold and other sessions end in one way only."""
        return redirect("account_change_password")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The console's, which tells what the session follows live."""
        return redirect("logout", preserve_request=True)


class PlatformSite(IdentitySite):
    """For operators with a second factor, who say why; after a while they are asked again."""

    site_header = site_title = "cloudmining platform"
    index_title = "Every organisation, past the wall: each use is recorded"
    template = "tenants/platform_login.html"

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and has_access(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Who is signed in proves it by their second factor; without one the platform stays closed."""
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not super().has_permission(request):
            raise PermissionDenied("You are not a platform operator.")
        with presenting(user_id=request.user.pk):
            if request.method == "POST" and is_locked(request, request.user):
                request.axes_locked_out = True
                return HttpResponse(status=429)  # in place of which axes' middleware answers in words
            answer = self._ask(request)
            return answer.render() if isinstance(answer, TemplateResponse) else answer

    def _ask(self, request: HttpRequest) -> TemplateResponse | HttpResponseRedirect:
        wanted = request.POST.get("next") or request.GET.get("next", "")
        context = {
            **self.each_context(request),
            "title": "Why do you need access?",
            "next": wanted,
            "app_path": request.get_full_path(),
        }
        if not has_second_factor(request):
            return TemplateResponse(request, self.template, {**context, "must_enrol": True}, status=403)
        form = AccessForm(request.POST or None, request=request)
        if not form.is_valid():
            return TemplateResponse(request, self.template, {**context, "form": form})
        form.save()
        is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
        return HttpResponseRedirect(wanted if is_ours else reverse("platform:index"))

    def identity(self, request: HttpRequest) -> AbstractContextManager[Any]:
        reason = f"{request.session[REASON]} [{request.method} {request.path}]"
        return as_platform(request.user.get_username(), reason)


class TenantSite(IdentitySite):
    site_header = site_title = "cloudmining administration"
    index_title = "Your organisation"

    def has_permission(self, request: HttpRequest) -> bool:
        actor = self._actor(request)
        return actor is not None and actor.can("manage")

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One login for an organisation's pages; who is signed in but may not administer is told so."""
        if request.user.is_authenticated:
            raise PermissionDenied("Your role in this organisation does not include its administration.")
        return redirect_to_login(request.GET.get("next", request.path))

    def identity(self, request: HttpRequest) -> AbstractContextManager[Any]:
        actor = self._actor(request)
        assert actor is not None
        return acting_as(actor)

    def _actor(self, request: HttpRequest) -> Actor | None:
        if not hasattr(request, "admin_actor"):
            request.admin_actor = _actor_of(request)
        return request.admin_actor


def _actor_of(request: HttpRequest) -> Actor | None:
    if not request.user.is_authenticated:
        return None
    try:
        return actor_of_session(request, request.user.pk)
    except Unauthenticated:
        return None


class ReadOnly(admin.ModelAdmin):
    """Rows that are only looked at here: what changes them is an action, with its own rules."""

    ordering = ("-pk",)
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Own rows: to search and sort those of partners would tell what their clauses hide."""
        rows = super().get_queryset(request)
        is_own = isinstance(rows, SharedQuerySet) and self.admin_site is not platform_site
        return rows.own() if is_own else rows

    def get_list_display(self, request: HttpRequest) -> list[str]:
        """The platform sees rows of every organisation, so it is told whose each one is."""
        columns = list(super().get_list_display(request))
        is_foreign = self.admin_site is platform_site and "tenant" not in columns
        return ["tenant", *columns] if is_foreign and hasattr(self.model, "tenant_id") else columns

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """What an operator opens is entered in the ledger of the organisation whose it is."""
        found = super().get_object(request, object_id, from_field)
        owner = found.pk if isinstance(found, Tenant) else getattr(found, "tenant_id", None)
        if self.admin_site is platform_site and owner is not None:
            looked_at = {"table": self.opts.label, "row": str(found.pk), "reason": request.session[REASON]}
            enter(kind="operator.looked", subject=owner, payload=looked_at, with_tenants={owner})
        return found

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OwnRowForm(forms.ModelForm):
    """The organisation is not asked for, but a code that it uses already is refused in the form."""

    owner_id: UUID | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.instance.tenant_id = self.owner_id

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() - {"tenant"}


class Registry(ReadOnly):
    """Rows that an organisation's administrator may add and change, but not delete."""

    form = OwnRowForm

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return self.admin_site is tenant_site

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows that a partner opened are seen here, not changed."""
        return self.admin_site is tenant_site and (obj is None or obj.tenant_id == access.actor().tenant_id)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only own rows are offered and accepted: what a partner opened is seen, but can't be referred to."""
        current = opened().actor  # none for the platform, which only looks
        if current is not None:
            kwargs["queryset"] = db_field.remote_field.model.objects.filter(tenant=current.tenant_id)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        form = super().get_form(request, obj, change, **kwargs)
        current = opened().actor
        return type(form.__name__, (form,), {"owner_id": current and current.tenant_id})


platform_site = PlatformSite(name="platform")
tenant_site = TenantSite(name="organisation")


def show(shown: dict[type[Model], type[admin.ModelAdmin]]) -> None:
    """Register models with both administrations."""
    for model, options in shown.items():
        tenant_site.register(model, options)
        platform_site.register(model, options)
