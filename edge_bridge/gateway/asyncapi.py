"""The AsyncAPI 3.0 document of the gateway, made of the very messages that it reads and writes. Pure.

`action` is meant from the gateway's side: it receives from terminals and sends to the cloud.
"""

from collections.abc import Sequence
from typing import Any, Final

from edge_bridge.gateway.mqtt.topics import COMMAND, DEATH, FROM_TERMINAL, TAKEN, Topics
from edge_bridge.gateway.transport import SOCKET_PATH
from edge_bridge.protocol import MAX_MESSAGE_BYTES, schemas, summaries

Schema = dict[str, Any]

ANSWERS: Final = ("taken", "refused")
BY_TOPIC: Final = {
    "birth": ("terminal_birth",),
    "readings": ("readings",),
    "command/result": ("terminal_command_result",),
    TAKEN: ANSWERS,
    COMMAND: ("terminal_command",),
}
FROM: Final = ("terminal_birth", "readings", "terminal_command_result")
TO: Final = (*ANSWERS, "terminal_command")
FROM_CLOUD: Final = ("ack", "problem", "command")


def document() -> Schema:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "cloudmining edge gateway",
            "version": "1",
            "description": "Terminals speak to the gateway over a websocket or MQTT, the gateway to the cloud over a"
            f" websocket. A message is one JSON object of at most {MAX_MESSAGE_BYTES} bytes. Over HTTP the same batches"
            " are posted to /api/v1/edge/batches: see the description of the API.",
        },
        "defaultContentType": "application/json",
        "servers": _SERVERS,
        "channels": {
            "terminals": _channel("/", "websocket", (*FROM, *TO)),
            **{_name(what): _topic(what, messages) for what, messages in BY_TOPIC.items()},
            "death": _topic(DEATH, ("death",)),
            "cloud": _channel(SOCKET_PATH, "cloud", ("batch", *FROM_CLOUD)),
        },
        "operations": {
            "hear_terminals": _operation("receive", "terminals", FROM),
            "tell_terminals": _operation("send", "terminals", TO),
            **{
                _name(what): _operation("receive" if what in FROM_TERMINAL else "send", _name(what), messages)
                for what, messages in BY_TOPIC.items()
            },
            "leave": _operation("receive", "death", ("death",)),
            "deliver": _operation("send", "cloud", ("batch",)),
            "hear_cloud": _operation("receive", "cloud", FROM_CLOUD),
        },
        "components": {"messages": _messages(), "securitySchemes": _SECURITY},
    }


def _messages() -> Schema:
    words, used = summaries(), {*FROM, *TO, *FROM_CLOUD, "batch"}
    said = {name: {"name": name, "summary": words[name], "payload": of} for name, of in schemas().items()}
    death = {"name": "death", "summary": "The terminal leaves; also as its will. Anything, or nothing.", "payload": {}}
    return {name: message for name, message in said.items() if name in used} | {"death": death}


_SECURITY: Final[Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The terminal's token."},
    "password": {"type": "userPassword", "description": "The terminal's name and its token."},
    "device": {"type": "httpApiKey", "name": "Authorization", "in": "header", "description": "Device <id>.<secret>"},
}
_SERVERS: Final[Schema] = {
    "websocket": {"host": "gateway.mine.example", "protocol": "wss", "security": [_SECURITY["bearer"]]},
    "mqtt": {
        "host": "gateway.mine.example",
        "protocol": "mqtts",
        "protocolVersion": "5.0",
        "description": "3.1.1 as well. QoS 0 and 1.",
        "security": [_SECURITY["password"]],
    },
    "cloud": {"host": "cloud.example", "protocol": "wss", "security": [_SECURITY["device"]]},
}
_PARAMETERS: Final[Schema] = {
    "edge": {"description": "The gateway's name in the cloud."},
    "terminal": {"description": "The terminal's own name; no other's topics are open to it."},
}


def _name(what: str) -> str:
    return f"mqtt_{what.replace('/', '_')}"


def _topic(what: str, messages: Sequence[str]) -> Schema:
    return _channel(Topics("{edge}").of("{terminal}", what), "mqtt", messages) | {"parameters": _PARAMETERS}


def _channel(address: str, server: str, messages: Sequence[str]) -> Schema:
    said = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    return {"address": address, "servers": [{"$ref": f"#/servers/{server}"}], "messages": said}


def _operation(action: str, channel: str, messages: Sequence[str]) -> Schema:
    said = [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages]
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "messages": said}
