"""Signing in and out, and which organisation the session acts for."""

import json
from typing import Any

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.generic import TemplateView

from cloudmining.console.base import Guarded
from tenants.api import memberships_of


class Login(Guarded, LoginView):
    template_name = "console/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        memberships = memberships_of(form.get_user().pk)
        if memberships:
            self.request.session["tenant_id"] = str(memberships[0].tenant_id)
        return redirect("choose-organisation") if len(memberships) > 1 else response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, demo_logins=demo_logins())


def demo_logins() -> list[dict[str, str]]:
    """What `seed_demo` left for visitors: {email, password, organisation, role}; in the demo only."""
    path = settings.HOME / "demo-logins.json"
    return json.loads(path.read_text()) if settings.MODE == "demo" and path.is_file() else []


class Logout(Guarded, LogoutView):
    """By POST only: a link elsewhere can't sign anybody out."""


class ChooseOrganisation(Guarded, LoginRequiredMixin, TemplateView):
    """Says so where there is no organisation to act for."""

    template_name = "console/organisation.html"

    def post(self, request: HttpRequest) -> HttpResponse:
        wanted = request.POST.get("tenant_id", "")
        if wanted not in {str(membership.tenant_id) for membership in memberships_of(request.user.pk)}:
            return self.render_to_response(self.get_context_data(refused=True), status=422)
        request.session["tenant_id"] = wanted
        return redirect("console")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        chosen = self.request.session.get("tenant_id")
        return super().get_context_data(**kwargs, memberships=memberships_of(self.request.user.pk), chosen=chosen)
