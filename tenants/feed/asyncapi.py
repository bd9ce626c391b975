"""The AsyncAPI 3.0 document of the feed, made of the very types that encode its frames. Pure."""

import inspect
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, get_args, get_type_hints
from uuid import UUID

from tenants.feed.bodies import BODIES, body_of
from tenants.feed.filters import MOST_VALUES, PREFIX, SEVERITY, Filter
from tenants.feed.frames import MAX_SEQ, OPTIONAL, ClientFrame, Ev, ServerFrame
from tenants.feed.kinds import KINDS
from tenants.feed.schemas import Schema, schema_of_body

_ID: Final[Schema] = {"type": "string", "format": "uuid"}
_OF_VALUES: Final[dict[str, Schema]] = {
    "kinds": {"type": "string", "pattern": f"^{PREFIX.pattern}$"},
    "sites": _ID,
    "equipment": _ID,
    "severities": {"type": "string", "pattern": f"^{SEVERITY.pattern}$"},
}
_LISTS: Final = {
    name: {"type": "array", "items": of, "minItems": 1, "maxItems": MOST_VALUES} for name, of in _OF_VALUES.items()
}
_FILTER: Final[Schema] = {
    "description": inspect.getdoc(Filter),
    "oneOf": [{"type": "object", "properties": _LISTS, "additionalProperties": False}, _LISTS["kinds"]],
}
_OBJECT: Final[Schema] = {"type": "object"}
_SCHEMAS: Final[dict[Any, Schema]] = {
    int: {"type": "integer", "minimum": 0, "maximum": MAX_SEQ},
    str: {"type": "string"},
    UUID: _ID,
    UUID | None: {"type": ["string", "null"], "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
    dict[str, Any]: _OBJECT,
    dict[str, Any] | None: _OBJECT,
    Filter | None: _FILTER,
}
SERVER: Final = get_args(ServerFrame)
CLIENT: Final = get_args(ClientFrame)
KIND: Final = "#/components/schemas/kind"
_BODIES: Final = {body.__name__: schema_of_body(body) for body in BODIES.values()}


def document(host: str, *, is_secure: bool) -> Schema:
    """For a server at `host`; `action` is meant from its side, as AsyncAPI has it."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "cloudmining feed",
            "version": "1",
            "description": "What an organisation is entitled to know, from one durable log: by websocket, as"
            " server-sent events, and posted to webhooks. The frames are the same everywhere.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "websocket": {"host": host, "protocol": "wss" if is_secure else "ws", "security": _SECURITY},
            "http": {"host": host, "protocol": "https" if is_secure else "http", "security": _SECURITY},
        },
        "channels": {
            "feed": _channel("/ws/v1/feed", "websocket", (*SERVER, *CLIENT)),
            "events": _channel("/api/v1/feed/events", "http", SERVER),
            "webhooks": {"address": None, "messages": {"event": {"$ref": "#/components/messages/cloudevent"}}},
        },
        "operations": {
            "tell": _operation("send", "feed", SERVER),
            "listen": _operation("receive", "feed", CLIENT),
            "stream": _operation("send", "events", SERVER),
            "post": {
                "action": "send",
                "channel": {"$ref": "#/channels/webhooks"},
                "messages": [{"$ref": "#/channels/webhooks/messages/event"}],
            },
        },
        "components": {
            "messages": {**{frame.t: _message(frame) for frame in (*SERVER, *CLIENT)}, "cloudevent": _CLOUDEVENT},
            "schemas": {"kind": {"type": "string", "enum": sorted(KINDS)}, **_BODIES},
            "securitySchemes": {
                "key": {"type": "httpApiKey", "name": "Authorization", "in": "header", "description": "Api-Key cmk_…"}
            },
        },
        "x-event-kinds": {
            kind: {"permission": about.permission, "description": about.words, "body": _body_of(kind)}
            for kind, about in sorted(KINDS.items())
        },
    }


def schema_of(frame: type[Any]) -> Schema:
    """JSON Schema of a frame's payload."""
    hints = get_type_hints(frame)
    properties: Schema = {field.name: _SCHEMAS[hints[field.name]] for field in fields(frame)}
    if frame is Ev:
        properties["kind"] = {"$ref": KIND}
    schema = {
        "type": "object",
        "properties": {"t": {"const": frame.t}, **properties},
        "required": ["t", *(name for name in properties if name not in OPTIONAL)],
        "additionalProperties": False,
    }
    return schema | ({"allOf": _bodies_by_kind()} if frame is Ev else {})


def _bodies_by_kind() -> list[Schema]:
    """What the kind of an event says of its body."""
    kinds_of: dict[str, list[str]] = {}
    for kind in sorted(KINDS):
        kinds_of.setdefault(_body_of(kind)["$ref"], []).append(kind)
    return [
        {"if": {"properties": {"kind": {"enum": kinds}}}, "then": {"properties": {"body": {"$ref": place}}}}
        for place, kinds in kinds_of.items()
    ]


def _body_of(kind: str) -> Schema:
    return {"$ref": f"#/components/schemas/{body_of(kind).__name__}"}


_SECURITY: Final = [{"$ref": "#/components/securitySchemes/key"}]
_CLOUDEVENT: Final[Schema] = {
    "name": "cloudevent",
    "summary": "CloudEvents 1.0, structured; signed by the headers webhook-id, webhook-timestamp, webhook-signature.",
    "contentType": "application/cloudevents+json",
    "payload": {
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string"},
            "source": {"type": "string"},
            "type": {"type": "string"},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "sequence": {"type": "string"},
            "data": {"type": "object"},
        },
        "required": ["specversion", "id", "source", "type", "data"],
    },
}


def _channel(address: str, server: str, frames: tuple[type[Any], ...]) -> Schema:
    messages = {frame.t: {"$ref": f"#/components/messages/{frame.t}"} for frame in frames}
    return {"address": address, "servers": [{"$ref": f"#/servers/{server}"}], "messages": messages}


def _operation(action: str, channel: str, frames: tuple[type[Any], ...]) -> Schema:
    messages = [{"$ref": f"#/channels/{channel}/messages/{frame.t}"} for frame in frames]
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "messages": messages}


def _message(frame: type[Any]) -> Schema:
    return {"name": frame.t, "summary": inspect.getdoc(frame), "payload": schema_of(frame)}
