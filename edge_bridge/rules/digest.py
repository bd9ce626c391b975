"""What names a set of rules: the same at whoever computes it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def digest_of(tables: Iterable[Mapping[str, Any]]) -> str:
    """32 hexadecimal digits of the rules as JSON, whatever their order and that of their settings."""
    texts = sorted(json.dumps(table, sort_keys=True, separators=(",", ":")) for table in tables)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:32]
