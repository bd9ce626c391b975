"""From bytes to a batch, and from a refusal to its problem detail: the same for every way a batch may come."""

import json
import re
from typing import Any

from django.db import DatabaseError
from rest_framework.response import Response

from edge_bridge.data import EntryRefused, HoleInStream, NotProtocol, TooLarge
from edge_bridge.protocol import MAX_MESSAGE_BYTES, MAX_TEXT_CHARS, Batch, Problem, ProtocolError, decode
from tenants.data import FieldError, Refusal
from tenants.rest import problems


def read_batch(raw: bytes) -> Batch:
    """The batch in `raw`; a Refusal that points at what is wrong otherwise."""
    if len(raw) > MAX_MESSAGE_BYTES:
        raise TooLarge(f"The message is larger than {MAX_MESSAGE_BYTES} bytes; send fewer entries at a time.")
    try:
        message = decode(raw)
    except ProtocolError as error:
        raise _refusal(error, raw) from None
    if not isinstance(message, Batch):
        raise EntryRefused("Only batches are taken here.", (FieldError("/type", "must be batch"),))
    return message


def refuse(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler for gateways: a problem detail with the protocol's members `seq` and `expected_seq`."""
    response = problems.handler(error, context)
    if response is not None:
        response.data |= _members(error)
        if response.status_code == 401:
            response["WWW-Authenticate"] = "Device"
    return response


def problem_of(error: Refusal | DatabaseError) -> Problem:
    """The same refusal as a message of the protocol."""
    response = refuse(error, {})
    assert response is not None
    words = response.data
    return Problem(words["status"], words["title"], words["detail"][:MAX_TEXT_CHARS], **_members(error))


def _members(error: Exception) -> dict[str, int]:
    match error:
        case HoleInStream(expected_seq=seq):
            return {"expected_seq": seq}
        case EntryRefused(seq=int(seq)):
            return {"seq": seq}
        case _:
            return {}


def _refusal(error: ProtocolError, raw: bytes) -> Refusal:
    if not error.path:
        return NotProtocol(f"The message {error.message}.")
    entry = re.match(r"entries\[(\d+)\]", error.path)
    seq = _seq_at(raw, int(entry[1])) if entry else None
    return EntryRefused(f"{error}.", (FieldError(error.pointer, error.message),), seq=seq)


def _seq_at(raw: bytes, index: int) -> int | None:
    """The number of the faulty entry, so that its sender can set it aside; `raw` is JSON of our envelope."""
    entry = json.loads(raw)["entries"][index]
    seq = entry.get("seq") if isinstance(entry, dict) else None
    return seq if type(seq) is int and seq > 0 else None
