"""allauth's forms that look a person up before anybody is known to be that person (settings name these classes).

Each shows the transaction the rows of the one who is claimed, and only a proof keeps them shown.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from allauth.account.forms import ResetPasswordForm, UserTokenForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import LoginWebAuthnForm
from django import forms
from django.utils.http import urlsafe_base64_decode

from tenants.context import identify, presenting


class ResetForm(ResetPasswordForm):
    """A reset link goes out only to the address that was typed."""

    def clean_email(self) -> str:
        with presenting(credential=self.cleaned_data["email"].strip().lower()):
            return super().clean_email()


class ResetTokenForm(UserTokenForm):
    """The link names whose password is to be set; its token is the proof."""

    def clean(self) -> Any:
        with _claimed(_id_of(self.cleaned_data.get("uidb36", ""))):
            return super().clean()


class PasskeyForm(LoginWebAuthnForm):
    """The passkey names its user; its signature is the proof."""

    def clean_credential(self) -> Authenticator:
        with _claimed(_handle_of(self.cleaned_data["credential"])):
            return super().clean_credential()


@contextmanager
def _claimed(user_id: UUID | None) -> Iterator[None]:
    identify(user_id)
    try:
        yield
    except forms.ValidationError:
        identify(None)
        raise


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _handle_of(credential: Any) -> UUID | None:
    try:
        return _id_of(urlsafe_base64_decode(credential["response"]["userHandle"]).decode())
    except (KeyError, TypeError, ValueError):
        return None
