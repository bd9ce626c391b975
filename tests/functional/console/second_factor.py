"""What a person's phone does: codes of the authenticator app, by the package's own arithmetic."""

import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.utils import encrypt
from django.core.cache import cache

from tenants.context import as_platform
from tenants.models import User

PERIOD_S = 30


def code_of(secret: str) -> str:
    """The code that the app shows now; that it was used in this half minute is forgotten, as tests can't wait."""
    cache.clear()
    return format_hotp_value(hotp_value(secret, int(time.time()) // PERIOD_S))


def enrolled(user: User) -> str:
    """Give a user an authenticator app; returns its secret."""
    secret = generate_totp_secret()
    with as_platform("tests", "enrol a second factor"):
        Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": encrypt(secret)})
    return secret
