"""The gateway's settings: where they come from, and how a wrong one is refused."""

from pathlib import Path

import pytest

from edge_bridge.gateway.config import Config, ConfigError, load_config
from edge_bridge.gateway.filters import Deadband

SETTINGS = """
edge = "north"
cloud_url = "https://cloud.example"
data_dir = "data"
heartbeat_s = 3
"""


def _terminal(name: str, token_sha256: str = "0" * 64) -> str:
    return f"\n[[terminals]]\nname = '{name}'\ntoken_sha256 = '{token_sha256}'\n"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EDGE_NAME", "CLOUD_URL", "GATEWAY_DATA_DIR", "GATEWAY_PORT", "TERMINAL_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DEVICE_CREDENTIAL", "17.secret")


def loaded(tmp_path: Path, settings: str, **flags: object) -> Config:
    path = tmp_path / "gateway.toml"
    path.write_text(settings)
    return load_config(path, None, flags)


def test_flag_beats_environment_beats_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(tmp_path, SETTINGS).edge == "north"
    monkeypatch.setenv("EDGE_NAME", "east")
    monkeypatch.setenv("GATEWAY_PORT", "4000")
    config = loaded(tmp_path, SETTINGS)
    assert (config.edge, config.listen_port, config.heartbeat_s) == ("east", 4000, 3.0)
    assert loaded(tmp_path, SETTINGS, edge="west", listen_port=None).edge == "west"


def test_rules_may_live_in_a_file_of_their_own(tmp_path: Path) -> None:
    demo = Path(__file__).parents[3] / "edge_bridge/gateway/demo_rules.toml"
    (tmp_path / "gateway.toml").write_text(SETTINGS)
    config = load_config(tmp_path / "gateway.toml", demo, {})
    assert {"GAS-T0-01", "FAN-01", "PUMP-07"} <= {rule.equipment for rule in config.rules}
    assert Deadband("FAN-01", "speed", 5.0, 10.0) in config.deadbands


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("edge = 7", "edge: must be text"),
        ("uplink = 'pigeon'", "uplink: must be http or websocket"),
        ("cloud_url = 'ftp://x'", "cloud_url: must be such as"),
        ("cloud_url = 'http://cloud.example'", "must be https"),
        ("listen_host = '0.0.0.0'", "TERMINAL_TOKEN: is needed"),
        ("listen_port = 70000", "listen_port: must be a port"),
        ("heartbeat_s = 0", "heartbeat_s: must be a positive number"),
        ("heartbeat_s = 'often'", "heartbeat_s: must be a positive number"),
        ("colour = 'red'", "colour: is not a setting"),
        ("credential = '1.x'", "credential: does not belong in a file; set DEVICE_CREDENTIAL"),
        ("rules = 1", r"rules: must be a list of tables"),
        ("[[rules]]\nname = 'a'", r"rules\[0\]: equipment: must be printable text"),
        ("[[deadbands]]\ntag = 'a'", r"deadbands\[0\]: needs equipment, tag and value"),
        ("tls_key = 'key.pem'", "tls_certificate, tls_key: one needs the other"),
        ("[[terminals]]\nname = 'a'", r"terminals\[0\]: needs name and token_sha256"),
        (_terminal("a/b"), r"terminals\[0\].name: must be a name without"),
        (_terminal("a", "borealis"), r"terminals\[0\].token_sha256: must be as"),
        (_terminal("a") + "machines = 'FAN-1'", r"terminals\[0\].machines: must be a list"),
        (_terminal("a") + "tags = ['speed']", r"terminals\[0\].tags: must be lists"),
        (_terminal("a") + "tags = { FAN-1 = [] }", r"terminals\[0\].tags.FAN-1: must be a list"),
        (_terminal("a"), r"terminals\[0\]: names no machine"),
        (_terminal("a") + "machines = ['A']" + _terminal("a") + "machines = ['B']", "name a stands there twice"),
        (
            _terminal("a") + "machines = ['A']" + _terminal("b") + "machines = ['B']",
            "sha256 0+ stands there twice",
        ),
        ("edge = ", "is not TOML"),
    ],
)
def test_wrong_setting_is_refused_in_words(tmp_path: Path, change: str, words: str) -> None:
    kept = "\n".join(line for line in SETTINGS.splitlines() if line.split(" = ")[0] != change.split(" = ")[0])
    with pytest.raises(ConfigError, match=words):
        loaded(tmp_path, f"{kept}\n{change}\n")


def test_token_of_all_and_tokens_of_each_exclude_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = SETTINGS + "listen_host = '0.0.0.0'" + _terminal("a") + "machines = ['FAN-1']"
    assert loaded(tmp_path, listed).terminals[0].machines == {"FAN-1"}
    monkeypatch.setenv("TERMINAL_TOKEN", "borealis")
    with pytest.raises(ConfigError, match="TERMINAL_TOKEN: leave it out"):
        loaded(tmp_path, listed)


def test_missing_settings_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="edge: is needed"):
        loaded(tmp_path, "")
    monkeypatch.delenv("DEVICE_CREDENTIAL")
    with pytest.raises(ConfigError, match="DEVICE_CREDENTIAL: is needed"):
        loaded(tmp_path, SETTINGS)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "nowhere.toml", None, {})
