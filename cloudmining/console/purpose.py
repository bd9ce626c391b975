"""What a person says that they work for: some partners open data for one purpose only."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from cloudmining.console.base import MemberPage
from tenants.data import FieldError, Invalid
from tenants.rest.authentication import state_purpose
from tenants.sharing.api import purposes_in_force


class StatePurpose(MemberPage):
    """Kept in the session, for the organisation; pages, panels and the feed's tickets carry it from now on."""

    needs = {"POST": "view_registry"}

    def post(self, request: HttpRequest) -> HttpResponse:
        purpose = request.POST.get("purpose", "")
        if purpose and purpose not in purposes_in_force():
            words = FieldError("/purpose", "choose one that an agreement in force names")
            raise Invalid("Nothing is open to you for that purpose.", (words,))
        state_purpose(request, self.actor.tenant_id, purpose)
        wanted = request.POST.get("next", "")
        is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
        return redirect(wanted if is_ours else resolve_url("console"))
