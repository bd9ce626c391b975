"""Where allauth meets our rules: who may sign in how, and whose rows its look-ups see (settings name these classes)."""

from typing import Any
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from tenants.authentication import memberships_of
from tenants.context import identify, presenting
from tenants.models import User
from tenants.people.queries import person_of
from tenants.secrets import seal, unseal

SECOND_FACTORS = "second factors"


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up is by invitation; failures are counted by axes, for all processes, and not by allauth in each."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Nothing: see `tenants.people.throttle`."""

    def _rollback_login_failed_rl_usage(self) -> None:
        """Nothing was counted."""

    def reauthenticate(self, user: User, password: str) -> bool:
        found = self.authenticate(self.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """With every factor given: who is in several organisations chooses one, the only one is chosen."""
        response = super().post_login(request, user, **kwargs)
        memberships = memberships_of(user.pk)
        if memberships:
            request.session["tenant_id"] = str(memberships[0].tenant_id)
        return redirect("choose-organisation") if len(memberships) > 1 else response


class SocialAdapter(DefaultSocialAccountAdapter):
    """Single sign-on opens the account of a member, found by the provider's id or, at first, by a verified address."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if sociallogin.state.get("process") != AuthProcess.LOGIN:  # nobody ties a second identity to an account
            raise ImmediateHttpResponse(redirect("console"))
        account = sociallogin.account
        with presenting(credential=account.uid):
            known = SocialAccount.objects.filter(provider=account.provider, uid=account.uid).first()
        user_id = known.user_id if known else _member_of_verified_address(sociallogin)
        if user_id is None or not memberships_of(user_id):
            return
        identify(user_id)
        if known:
            sociallogin.lookup()
        else:
            sociallogin.connect(request, User.objects.get(pk=user_id))


class SecondFactorAdapter(DefaultMFAAdapter):
    """Secrets of second factors are of no use without the deployment's secret key."""

    def encrypt(self, text: str) -> str:
        return seal(SECOND_FACTORS, text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(SECOND_FACTORS, encrypted_text)

    def build_totp_svg(self, url: str) -> str:
        """Without the XML declaration, which has no place inside a page."""
        return super().build_totp_svg(url).partition("?>")[2]


def _member_of_verified_address(sociallogin: SocialLogin) -> UUID | None:
    for address in sociallogin.email_addresses:
        if address.verified:
            person = person_of(address.email.strip().lower())
            if person is not None and person.is_active:
                return person.pk
    return None
