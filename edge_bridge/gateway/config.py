"""The gateway's settings: a flag beats the environment, the environment beats the file, the file beats the default."""

import math
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edge_bridge.gateway.admission import Terminal
from edge_bridge.gateway.commands import Interlock
from edge_bridge.gateway.filters import Deadband, SwingingDoor
from edge_bridge.gateway.mqtt.topics import is_level
from edge_bridge.protocol import MAX_NAME_CHARS
from edge_bridge.rules.kinds import AnyRule, parse_rules
from edge_bridge.rules.thresholds import RuleError

ENVIRONMENT = {
    "EDGE_NAME": "edge",
    "CLOUD_URL": "cloud_url",
    "DEVICE_CREDENTIAL": "credential",
    "GATEWAY_DATA_DIR": "data_dir",
    "GATEWAY_PORT": "listen_port",
    "TERMINAL_TOKEN": "terminal_token",
    "MQTT_PORT": "mqtt_port",
    "MQTT_URL": "mqtt_url",
}
SECRETS = {"credential": "DEVICE_CREDENTIAL", "terminal_token": "TERMINAL_TOKEN", "mqtt_url": "MQTT_URL"}


class ConfigError(ValueError):
    """A setting that cannot work: which one, and what to change."""


@dataclass(frozen=True, slots=True)
class Config:
    """Times in seconds. `credential`, `terminal_token` and `mqtt_url` come from the environment only.

    A port of 0 is any free one; -1, the default of those that need not be, is none.
    """

    edge: str
    cloud_url: str
    credential: str
    data_dir: str
    uplink: str = "http"
    listen_host: str = "127.0.0.1"
    listen_port: int = 0
    terminal_token: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    mqtt_port: int = -1
    mqtt_url: str = ""
    local_port: int = -1
    readings_limit_mb: float = 256.0
    journal_limit_mb: float = 1024.0
    heartbeat_s: float = 10.0
    rules_every_s: float = 30.0
    linger_s: float = 0.5
    backoff_max_s: float = 30.0
    alarm_backoff_max_s: float = 5.0
    historical_after_s: float = 300.0
    answer_timeout_s: float = 20.0
    grace_s: float = 5.0
    replay_readings_per_s: float = 10_000.0
    silent_periods: float = 10.0
    silent_least_s: float = 30.0
    command_answer_s: float = 10.0
    rules: tuple[AnyRule, ...] = ()
    deadbands: tuple[Deadband, ...] = ()
    swinging_doors: tuple[SwingingDoor, ...] = ()
    interlocks: tuple[Interlock, ...] = ()
    terminals: tuple[Terminal, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.edge) <= MAX_NAME_CHARS or not self.edge.isprintable() or self.edge != self.edge.strip():
            raise ConfigError(f"edge: must be a name of 1 to {MAX_NAME_CHARS} printable characters")
        if self.uplink not in ("http", "websocket"):
            raise ConfigError("uplink: must be http or websocket")
        if self.readings_limit_mb > self.journal_limit_mb:
            raise ConfigError("readings_limit_mb: must not be above journal_limit_mb, the whole journal's limit")
        if not re.fullmatch(r"[^.\s]+\.\S+", self.credential):
            raise ConfigError("DEVICE_CREDENTIAL: must be <id>.<secret>, as the cloud gave it")
        url = urlsplit(self.cloud_url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ConfigError("cloud_url: must be such as https://cloud.example")
        if url.scheme == "http" and not _is_loopback(url.hostname):
            raise ConfigError("cloud_url: must be https:// unless the cloud is this machine; it carries the credential")
        if self.mqtt_url and urlsplit(self.mqtt_url).scheme not in ("mqtt", "mqtts"):
            raise ConfigError("MQTT_URL: must be such as mqtts://user:password@broker.example:8883")
        if (self.mqtt_url or self.mqtt_port >= 0) and not is_level(self.edge):
            raise ConfigError("edge: must be without /, + and # where MQTT is spoken; it is part of the topics")
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ConfigError("tls_certificate, tls_key: one needs the other")
        if self.terminals and self.terminal_token:
            raise ConfigError("TERMINAL_TOKEN: leave it out where [[terminals]] gives each terminal its own")
        if not self.terminals and not self.terminal_token and not _is_loopback(self.listen_host):
            raise ConfigError(
                "TERMINAL_TOKEN: is needed, or [[terminals]], when listen_host can be reached from other machines"
            )
        for what in ("name", "token_sha256"):
            _check_once(f"terminals: {what}", [getattr(terminal, what) for terminal in self.terminals])


def load_config(path: Path | None, rules_path: Path | None, flags: Mapping[str, Any]) -> Config:
    """Settings of the file, the environment and `flags` (None: not given); ConfigError in words."""
    settings = _read_toml(path) if path else {}
    for secret, variable in SECRETS.items():
        if secret in settings:
            raise ConfigError(f"{secret}: does not belong in a file; set {variable}")
    settings |= _read_toml(rules_path) if rules_path else {}
    settings |= {name: os.environ[variable] for variable, name in ENVIRONMENT.items() if os.environ.get(variable)}
    settings |= {name: value for name, value in flags.items() if value is not None}
    known = {field.name: field for field in fields(Config)}
    unknown = next((name for name in settings if name not in known), None)
    if unknown:
        raise ConfigError(f"{unknown}: is not a setting; known are {', '.join(known)}")
    missing = next((name for name, field in known.items() if name not in settings and field.default is MISSING), None)
    if missing:
        raise ConfigError(f"{SECRETS.get(missing, missing)}: is needed")
    return Config(**{name: _setting(name, known[name].type, value) for name, value in settings.items()})


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from None


def _setting(name: str, kind: Any, value: Any) -> Any:
    if name == "rules":
        return _rules(value)
    if name in _TABLES:
        return tuple(_TABLES[name](f"{name}[{index}]", table) for index, table in enumerate(_tables(name, value)))
    if kind is int:
        return _port(name, value)
    if kind is float:
        return _positive(name, value)
    if not isinstance(value, str):
        raise ConfigError(f"{name}: must be text")
    return value


def _rules(value: Any) -> tuple[AnyRule, ...]:
    try:
        return parse_rules(_tables("rules", value))
    except RuleError as error:
        raise ConfigError(str(error)) from None


def _tables(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ConfigError(f"{name}: must be a list of tables, [[{name}]]")
    return value


def _filter(kind: type[Deadband] | type[SwingingDoor], size: str, path: str, table: Any) -> Any:
    needed = {"equipment", "tag", size}
    if not isinstance(table, dict) or not needed <= table.keys() <= {*needed, "override_s"}:
        raise ConfigError(f"{path}: needs equipment, tag and {size}, and may have override_s")
    numbers = {name: _positive(f"{path}.{name}", table[name]) for name in (size, "override_s") if name in table}
    return kind(str(table["equipment"]), str(table["tag"]), **numbers)


def _interlock(path: str, table: Any) -> Interlock:
    lists = ("alarm_types", "alarm_equipment", "refuses")
    if not isinstance(table, dict) or table.keys() != {"name", *lists}:
        raise ConfigError(f"{path}: needs name, {', '.join(lists)}")
    return Interlock(str(table["name"]), *(_names(f"{path}.{name}", table[name]) for name in lists))


def _terminal(path: str, table: Any) -> Terminal:
    needed = {"name", "token_sha256"}
    if not isinstance(table, dict) or not needed <= table.keys() <= {*needed, "machines", "tags"}:
        raise ConfigError(f"{path}: needs name and token_sha256, and may have machines and tags")
    name, hash_, tags = table["name"], table["token_sha256"], table.get("tags", {})
    if not isinstance(name, str) or not is_level(name):
        raise ConfigError(f"{path}.name: must be a name without /, + and #")
    if not isinstance(hash_, str) or not re.fullmatch("[0-9a-f]{64}", hash_):
        raise ConfigError(f"{path}.token_sha256: must be as `python -m edge_bridge.gateway token` prints it")
    if not isinstance(tags, dict):
        raise ConfigError(f'{path}.tags: must be lists of tags by machine, {{ FAN-01 = ["speed"] }}')
    points = {(code, tag) for code in tags for tag in _names(f"{path}.tags.{code}", tags[code])}
    machines = _names(f"{path}.machines", table["machines"]) if "machines" in table else frozenset()
    if not machines and not points:
        raise ConfigError(f"{path}: names no machine and no tag for which it may speak")
    return Terminal(name, hash_, machines, frozenset(points))


def _names(path: str, value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise ConfigError(f"{path}: must be a list of names")
    return frozenset(value)


def _check_once(what: str, values: Sequence[str]) -> None:
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice:
        raise ConfigError(f"{what} {twice} stands there twice")


_TABLES: Mapping[str, Callable[[str, Any], Any]] = {
    "deadbands": partial(_filter, Deadband, "value"),
    "swinging_doors": partial(_filter, SwingingDoor, "deviation"),
    "interlocks": _interlock,
    "terminals": _terminal,
}


def _positive(path: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise ConfigError(f"{path}: must be a positive number")
    return float(value)


def _port(name: str, value: Any) -> int:
    lowest = 0 if name == "listen_port" else -1
    if not re.fullmatch(r"-1|\d{1,5}", str(value)) or not lowest <= int(value) <= 65535:
        raise ConfigError(f"{name}: must be a port from 0 (any free one) to 65535" + ", or -1 for none" * -lowest)
    return int(value)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
