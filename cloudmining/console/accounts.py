"""Signing in and out, which organisation the session acts for, and where else one is signed in."""

import json
from typing import Any
from urllib.parse import urlsplit

from allauth.account.views import LoginView
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.generic import TemplateView

from cloudmining.console.base import CONTENT_POLICY, Guarded, problem_page
from tenants.api import memberships_of
from tenants.data import Refusal
from tenants.people.api import end_other_sessions, end_session, sessions_of, tell_session_ended
from tenants.rest.problems import problem_response

API = "/api/"


class Login(LoginView):
    """allauth's, with our page; a second factor, where there is one, is asked for next."""

    template_name = "console/login.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        sso = settings.OIDC_NAME if settings.OIDC_ISSUER else ""
        return super().get_context_data(**kwargs, demo_logins=demo_logins(), sso=sso)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        if settings.OIDC_ISSUER:  # browsers hold a form's redirects to the policy too
            parts = urlsplit(settings.OIDC_ISSUER)
            issuer = f"form-action 'self' {parts.scheme}://{parts.netloc}"
            response["Content-Security-Policy"] = CONTENT_POLICY.replace("form-action 'self'", issuer)
        return response


def demo_logins() -> list[dict[str, str]]:
    """What `seed_demo` left for visitors: {email, password, organisation, role}; in the demo only."""
    path = settings.HOME / "demo-logins.json"
    return json.loads(path.read_text()) if settings.MODE == "demo" and path.is_file() else []


def demo_code(request: HttpRequest) -> dict[str, str]:
    """Context of every page of the demo: what the operator's authenticator app would show now."""
    secrets = [login["totp_secret"] for login in demo_logins() if "totp_secret" in login]
    if not secrets:
        return {}
    return {"demo_code": format_hotp_value(hotp_value(secrets[0], next(yield_hotp_counters_from_time())))}


class Logout(Guarded, LogoutView):
    """By POST only: a link elsewhere can't sign anybody out."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user_id = request.user.pk
        response = super().post(request, *args, **kwargs)
        if user_id is not None:
            tell_session_ended(user_id)
        return response


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


class Sessions(Guarded, LoginRequiredMixin, TemplateView):
    """Where one is signed in; any of it can be ended from here."""

    template_name = "console/sessions.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        current = self.request.session.session_key
        return super().get_context_data(**kwargs, sessions=sessions_of(self.request.user.pk), current=current)

    def post(self, request: HttpRequest) -> HttpResponse:
        named = request.POST.get("session", "")
        try:
            if named == "others":
                end_other_sessions(request.user.pk, request.session.session_key)
            elif named.isascii() and named.isdigit() and len(named) < 18:
                end_session(request.user.pk, int(named))
        except Refusal as refusal:
            return problem_page(refusal.status, refusal.title, refusal.detail)
        return redirect("account-sessions")


def locked_out(request: HttpRequest, response: HttpResponse, credentials: Any) -> HttpResponse:
    """What axes answers while a person or an address has failed too often."""
    minutes = max(1, settings.SIGN_IN_LOCK_S // 60)
    words = f"Too many failed sign-ins for this person or from this address. Wait {minutes} minutes and try again."
    if request.path.startswith(API):
        refusal: HttpResponse = problem_response(429, "Too many requests", words)
    else:
        refusal = problem_page(429, "Too many failed sign-ins", words)
    refusal["Retry-After"] = str(settings.SIGN_IN_LOCK_S)
    return refusal
