"""How an entry is written down, byte by byte, before it is hashed. Knows nothing of Django."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import UUID

MAX_PAYLOAD_BYTES: Final = 32_768
# Whole numbers beyond it are not the same in every language that reads JSON.
MAX_WHOLE: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Decision:
    """What is entered when the transaction commits; `payload` is canonical JSON."""

    kind: str
    subject_id: UUID
    payload: str
    with_tenants: frozenset[UUID]


class Written(Protocol):
    """The columns of an entry that its digest covers."""

    id: UUID
    tenant_id: UUID
    seq: int
    at: datetime
    kind: str
    subject_id: UUID
    by_id: UUID | None
    user_id: UUID | None
    user_name: str
    via: str
    payload: str
    shared_id: UUID | None
    with_tenants: list[UUID]


def canonical_json(document: object) -> str:
    """The one text of a document by RFC 8785: keys in order, no spaces, only what must be escaped is escaped.

    Takes text, whole numbers, true, false, null, lists and mappings with ASCII keys; keys and times are written as
    text. TypeError for anything else, such as a float, whose digits are not the same everywhere.
    """
    return json.dumps(_plain(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def text_of(entry: Written) -> str:
    """What the digest of an entry is taken of. ValueError if its payload is not canonical JSON, since then it was not
    written by us."""
    payload = json.loads(entry.payload)
    if canonical_json(payload) != entry.payload:
        raise ValueError("its payload is not canonical JSON")
    by = {"tenant": entry.by_id, "user": entry.user_id, "name": entry.user_name, "via": entry.via}
    written = {"id": entry.id, "tenant": entry.tenant_id, "seq": entry.seq, "at": entry.at, "kind": entry.kind}
    shared = {"shared": entry.shared_id, "with": entry.with_tenants}
    return canonical_json({**written, "by": by, "subject": entry.subject_id, "payload": payload, **shared})


def _plain(value: object) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        value.encode("utf-8")  # half a surrogate pair is no text
        return str(value)
    if isinstance(value, int) and abs(value) <= MAX_WHOLE:
        return int(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, Mapping):
        return {_key(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    raise TypeError(f"The ledger takes no {type(value).__name__}: write {value!r} as text.")


def _key(key: object) -> str:
    if not (isinstance(key, str) and key.isascii()):
        raise TypeError(f"The ledger takes ASCII keys only, not {key!r}.")
    return str(key)
