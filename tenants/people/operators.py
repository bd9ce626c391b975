"""Platform operators: who they are is proved by a second factor just now, and their access ends by itself."""

import time
from typing import Any, Final

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.conf import settings
from django.http import HttpRequest

REASON: Final = "platform_reason"
UNTIL: Final = "platform_until"
# A second factor given so lately, at sign-in or by a passkey, need not be given again.
JUST_NOW_S: Final = 300


class AccessForm(ReauthenticateForm):
    """Operators say why they look past the wall."""

    reason = forms.CharField(max_length=200, min_length=5, help_text="Why you need access; it is recorded.")
    field_order = ("reason", "code")

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, user=request.user, **kwargs)
        self.request = request
        self.fields["code"].label = "Code of your second factor"
        if proved_just_now(request):
            del self.fields["code"]

    def save(self) -> None:
        """Open the platform to this session for a while."""
        if "code" in self.fields:
            super().save()
        self.request.session[REASON] = self.cleaned_data["reason"]
        self.request.session[UNTIL] = time.time() + settings.PLATFORM_ACCESS_S


def has_access(request: HttpRequest) -> bool:
    """Whether the session's reason still holds."""
    return REASON in request.session and time.time() < request.session.get(UNTIL, 0)


def has_second_factor(request: HttpRequest) -> bool:
    """In a transaction that presents the user."""
    return bool(is_mfa_enabled(request.user, ["totp", "webauthn"]))


def proved_just_now(request: HttpRequest) -> bool:
    records = get_authentication_records(request, request.user)
    return any(record["method"] == "mfa" and time.time() - record["at"] < JUST_NOW_S for record in records)
