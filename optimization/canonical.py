"""One text for one document, so that a digest says that nothing changed."""

from __future__ import annotations

import hashlib
import json


def canonical_json(document: object) -> bytes:
    """Keys in order, no spaces, UTF-8, floats by their repr; ValueError for NaN and infinity."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def digest_of(document: object) -> str:
    return digest_of_text(canonical_json(document))


def digest_of_text(text: bytes) -> str:
    """SHA-256 of a canonical text, 64 hexadecimal digits."""
    return hashlib.sha256(text).hexdigest()
