"""What people at the mine see while the link is cut."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.unit.edge.processes import ROOT, SETTINGS, Gateway, Terminal


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """Running, with no cloud."""
    gateway = Gateway(tmp_path, free_port(), settings=SETTINGS + "local_port = 0\n")
    gateway.start()
    yield gateway
    gateway.kill()


def listed(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge_bridge.gateway", "alarms", "--data-dir", str(directory)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)


def asked(gateway: Gateway, path: str = "/", host: str = "127.0.0.1") -> str:
    port = (gateway.directory / "data" / "http.port").read_text().strip()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": f"{host}:{port}"})
    return opener.open(request, timeout=10).read().decode()


def test_standing_alarms_are_listed_while_the_link_is_cut(gateway: Gateway) -> None:
    assert "no alarm stands" in listed(gateway.directory / "data").stdout
    terminal = Terminal(gateway)
    terminal.say(terminal.frame("ch4", [1.3]))
    first, alarm = listed(gateway.directory / "data").stdout.splitlines()
    assert first == "north: 1 alarm stands; waiting for the cloud: 1 urgent, 1 readings"
    assert alarm.split()[:6] == ["critical", "GAS-1", "methane.hi", "ch4", "1.3", "(limit"]
    page = asked(gateway)
    assert '<tr class="critical"><td>critical<td>GAS-1<td>methane.hi' in page
    terminal.say(terminal.frame("ch4", [0.3]))
    assert "no alarm stands" in asked(gateway)
    gateway.kill()
    assert "no alarm stands" in listed(gateway.directory / "data").stdout


def test_nothing_else_is_found(gateway: Gateway) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        asked(gateway, "/data/journal.sqlite3")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        asked(gateway, host="cassia.example")


def test_directory_without_a_journal_is_named(tmp_path: Path) -> None:
    done = listed(tmp_path)
    assert done.returncode == 2
    assert f"there is no journal in {tmp_path}" in done.stderr
