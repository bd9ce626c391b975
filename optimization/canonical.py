"""One text for one document, so that a digest says that nothing changed."""

from __future__ import annotations

import hashlib
import json


def canonical_json(document: object) -> bytes:
    """Keys in order, no spaces, UTF-8, floats by their repr; ValueError for NaN and infinity."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def digest_of(document: object) -> str:
    """SHA-256 of the canonical text, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(document)).hexdigest()
