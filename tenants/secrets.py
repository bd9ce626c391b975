"""Secrets of programs: made here, shown once, kept as a hash; what we need again ourselves is sealed.

They are 256 random bits, so a plain SHA-256 is enough: there is no dictionary to try (passwords of people go through
Django's slow hashers).
"""

import base64
import hashlib
import secrets

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def new_secret(kind: str) -> str:
    """A printable secret such as `cmk_…`; `kind` tells a leaked one apart."""
    return f"{kind}_{secrets.token_urlsafe(32)}"


def hash_secret(secret: str) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def seal(purpose: str, text: str) -> str:
    """Of no use without the deployment's secret key, nor for another purpose."""
    return _cipher(purpose).encrypt(text.encode()).decode()


def unseal(purpose: str, sealed: str) -> str:
    return _cipher(purpose).decrypt(sealed.encode()).decode()


def _cipher(purpose: str) -> MultiFernet:
    """The newest key encrypts; keys that were in use before still decrypt."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    derived = [hashlib.sha256(f"{purpose}:{key}".encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])
