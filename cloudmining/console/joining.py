"""Accepting an invitation: the one way in for a new person, and how somebody with an account joins one more."""

from typing import Any

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.generic import FormView

from cloudmining.console.base import problem_page
from tenants.api import hash_secret, presenting
from tenants.data import Refusal
from tenants.models import Invitation, User
from tenants.people.api import GONE, accept_invitation, identify, invitation_of, person_of


class JoinForm(forms.Form):
    """What a new person tells of themselves."""

    name = forms.CharField(label="Your name", max_length=200, widget=forms.TextInput({"autocomplete": "name"}))
    password = forms.CharField(
        max_length=128, strip=False, widget=forms.PasswordInput({"autocomplete": "new-password"})
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password, User(email=self.email, name=self.cleaned_data.get("name", "")))
        return password


class AcceptInvitation(FormView):
    """The transaction presents the link's token, which shows the one invitation and the name of its organisation."""

    template_name = "console/join.html"
    form_class = JoinForm
    invitation: Invitation

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user_id = request.user.pk
        try:
            with presenting(credential=hash_secret(kwargs["token"]), user_id=user_id):
                found = invitation_of(kwargs["token"])
                if found is None:
                    return problem_page(404, "No such invitation", GONE)
                self.invitation = found
                response = super().dispatch(request, *args, **kwargs)
                return response.render() if hasattr(response, "render") else response
        except Refusal as refusal:
            return problem_page(refusal.status, refusal.title, refusal.detail)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "email": self.invitation.email}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        has_account = person_of(self.invitation.email) is not None
        return super().get_context_data(**kwargs, invitation=self.invitation, has_account=has_account)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return super().post(request, *args, **kwargs)
        accept_invitation(token=kwargs["token"], person=User.objects.get(pk=request.user.pk))
        request.session["tenant_id"] = str(self.invitation.tenant_id)
        return redirect("console")

    def form_valid(self, form: JoinForm) -> HttpResponse:
        user = accept_invitation(token=self.kwargs["token"], **form.cleaned_data)
        identify(user.pk)
        return perform_login(self.request, Login(user=user))
