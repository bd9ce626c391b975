"""What is posted: a frame of the feed in a CloudEvents envelope, signed as Standard Webhooks has it. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from standardwebhooks import Webhook as Signer

from tenants.feed.frames import Ev, Reset, as_dict

TYPE: Final = "cloudmining."
TEST: Final = "webhook.test"
RESET: Final = "feed.reset"


@dataclass(frozen=True, slots=True)
class Message:
    """`id` is the same at each attempt; `epoch` and `seq` are where the receiver then is, None for a test."""

    id: str
    kind: str
    body: bytes
    epoch: UUID | None = None
    seq: int | None = None


def event_message(tenant_id: UUID, epoch: UUID, frame: Ev) -> Message:
    envelope = _envelope(f"ev_{epoch.hex}_{frame.seq}", tenant_id, frame.kind, frame.occurred_at, as_dict(frame))
    return _message(envelope | {"sequence": f"{frame.seq:020d}"}, frame.kind, epoch, frame.seq)


def reset_message(tenant_id: UUID, frame: Reset, now: datetime) -> Message:
    """The log does not go on where this receiver is: the state as it is at `head` instead."""
    identifier = f"reset_{frame.epoch.hex}_{frame.head}"
    return _message(_envelope(identifier, tenant_id, RESET, now, as_dict(frame)), RESET, frame.epoch, frame.head)


def test_message(tenant_id: UUID, webhook_id: UUID, asked_at: datetime) -> Message:
    identifier = f"test_{webhook_id.hex}_{int(asked_at.timestamp())}"
    return _message(_envelope(identifier, tenant_id, TEST, asked_at, {"webhook": str(webhook_id)}), TEST)


def headers_of(message: Message, secrets: Iterable[str], now: datetime) -> dict[str, str]:
    """With a signature by each secret: while one replaces another, receivers know either."""
    at = datetime.fromtimestamp(int(now.timestamp()), UTC)
    signatures = [Signer(secret).sign(message.id, at, message.body.decode()) for secret in secrets]
    return {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "user-agent": "cloudmining-webhooks/1",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _envelope(identifier: str, tenant_id: UUID, kind: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": identifier,
        "source": f"urn:cloudmining:feed:{tenant_id}",
        "type": f"{TYPE}{kind}",
        "time": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": data,
    }


def _message(envelope: dict[str, Any], kind: str, epoch: UUID | None = None, seq: int | None = None) -> Message:
    body = json.dumps(envelope, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    return Message(str(envelope["id"]), kind, body, epoch, seq)
