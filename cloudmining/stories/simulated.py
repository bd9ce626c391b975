"""The mine of a story as it is at a mine: simulated terminals and a gateway, processes of their own that know the cloud
by its address and a credential."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from cloudmining.embedded.home import PROJECT_ROOT
from cloudmining.embedded.processes import Running, spawn, wait_until
from cloudmining.stories.mine import machine_of
from cloudmining.story import Party, StoryError

SCENARIOS: Final = PROJECT_ROOT / "terminal_sim" / "scenarios"
LISTENS_WITHIN_S: Final = 30.0
# Ends each code in the scenario, and is replaced: machines are new ones each time a story is told.
OWN: Final = "-01"
# Of the story's environment; the rest has the passwords of the cloud's database.
INHERITED: Final = ("PATH", "HOME", "LANG", "PYTHONUNBUFFERED")


@contextmanager
def simulated_mine(
    owner: Party, site: str, scenario: str, machines: Mapping[str, tuple[str, str]]
) -> Iterator[dict[str, str]]:
    """Runs `scenario` with its rules at the site until the end; yields the machines' ids.

    `machines`: of each code in the scenario its name and kind. StoryError if the gateway doesn't come up.
    """
    with tempfile.TemporaryDirectory(prefix="cloudmining-mine-") as directory:
        folder, tag = Path(directory), f"-{uuid4().hex[:4].upper()}"
        ids = {
            code: machine_of(owner, site, code.replace(OWN, tag), name, kind) for code, (name, kind) in machines.items()
        }
        for name in (f"{scenario}.toml", f"{scenario}.rules.toml"):
            (folder / name).write_text((SCENARIOS / name).read_text().replace(OWN, tag))
        device = owner.call("POST", "devices", {"site": site, "name": f"story{tag}"})
        with _gateway(owner, folder, scenario, str(device["credential"])) as url, _simulator(folder, scenario, url):
            yield ids


@contextmanager
def _gateway(owner: Party, folder: Path, scenario: str, credential: str) -> Iterator[str]:
    """Its address for terminals."""
    where = ("--cloud-url", str(owner.http.base_url).rstrip("/"), "--data-dir", str(folder))
    command = ("edge_bridge.gateway", "--edge", folder.name, *where, "--listen-port", "0")
    rules = ("--rules", str(folder / f"{scenario}.rules.toml"))
    port = folder / "port"
    with _running("gateway", (*command, *rules), folder, {"DEVICE_CREDENTIAL": credential}) as gateway:
        is_up = wait_until(lambda: port.exists() or not gateway.alive(), LISTENS_WITHIN_S)
        if not (is_up and port.exists()):
            raise StoryError(f"the gateway does not listen: {(folder / 'gateway.log').read_text()[-500:]}")
        yield f"ws://127.0.0.1:{port.read_text().strip()}"


def _simulator(folder: Path, scenario: str, url: str) -> AbstractContextManager[Running]:
    command = ("terminal_sim", "run", str(folder / f"{scenario}.toml"), "--gateway", url)
    return _running("simulator", command, folder, {})


@contextmanager
def _running(name: str, module: Sequence[str], folder: Path, env: Mapping[str, str]) -> Iterator[Running]:
    command = (sys.executable, "-m", *module)
    env = {**{each: os.environ[each] for each in INHERITED if each in os.environ}, **env}
    with (folder / f"{name}.log").open("wb") as log:
        process = spawn(command, output=log, env=env, cwd=PROJECT_ROOT, leash=signal.SIGKILL)
    running = Running(name=name, pid=process.pid, marker=module[0], process=process)
    try:
        yield running
    finally:
        running.stop()
