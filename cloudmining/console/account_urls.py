"""allauth's views that we serve, under its own names, each behind the door. What is not listed here does not exist."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.conf import settings
from django.urls import URLPattern, path, re_path

from cloudmining.console.accounts import Login, Logout, Sessions
from cloudmining.console.door import door

RESET = "account/password/reset"
SECOND = "account/second-factor"

urlpatterns: list[URLPattern] = [
    path("login", door(Login.as_view()), name="login"),
    path("login", door(Login.as_view()), name="account_login"),
    path("logout", Logout.as_view(), name="logout"),
    path("logout", Logout.as_view(), name="account_logout"),
    path("account/sessions", Sessions.as_view(), name="account-sessions"),
    path("account/inactive", door(account.account_inactive), name="account_inactive"),
    path("account/confirm", door(account.reauthenticate), name="account_reauthenticate"),
    path("account/password", door(account.password_change), name="account_change_password"),
    path("account/password/set", door(account.password_set), name="account_set_password"),
    path(RESET, door(account.password_reset), name="account_reset_password"),
    path(f"{RESET}/sent", door(account.password_reset_done), name="account_reset_password_done"),
    path(f"{RESET}/done", door(account.password_reset_from_key_done), name="account_reset_password_from_key_done"),
    re_path(
        f"^{RESET}/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)$",
        door(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(SECOND, door(mfa.index), name="mfa_index"),
    path(f"{SECOND}/enter", door(mfa.authenticate), name="mfa_authenticate"),
    path(f"{SECOND}/confirm", door(mfa.reauthenticate), name="mfa_reauthenticate"),
    path(f"{SECOND}/app", door(totp.activate_totp), name="mfa_activate_totp"),
    path(f"{SECOND}/app/remove", door(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path(f"{SECOND}/codes", door(recovery.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(f"{SECOND}/codes/generate", door(recovery.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path(f"{SECOND}/codes/download", door(recovery.download_recovery_codes), name="mfa_download_recovery_codes"),
    path(f"{SECOND}/passkeys", door(passkeys.list_webauthn), name="mfa_list_webauthn"),
    path(f"{SECOND}/passkeys/add", door(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path(f"{SECOND}/passkeys/sign-in", door(passkeys.login_webauthn), name="mfa_login_webauthn"),
    path(f"{SECOND}/passkeys/confirm", door(passkeys.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    path(f"{SECOND}/passkeys/<int:pk>/remove", door(passkeys.remove_webauthn), name="mfa_remove_webauthn"),
    path(f"{SECOND}/passkeys/<int:pk>/edit", door(passkeys.edit_webauthn), name="mfa_edit_webauthn"),
]
if settings.OIDC_ISSUER:
    urlpatterns += [
        path("account/<slug:provider_id>/sign-in", door(oidc.login), name="openid_connect_login"),
        path("account/<slug:provider_id>/back", door(oidc.callback), name="openid_connect_callback"),
    ]
