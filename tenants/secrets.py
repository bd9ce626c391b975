"""Secrets of programs: made here, shown once, kept as a hash.

They are 256 random bits, so a plain SHA-256 is enough: there is no dictionary to try (passwords of people go through
Django's slow hashers).
"""

import hashlib
import secrets


def new_secret(kind: str) -> str:
    """A printable secret such as `cmk_…`; `kind` tells a leaked one apart."""
    return f"{kind}_{secrets.token_urlsafe(32)}"


def hash_secret(secret: str) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()
