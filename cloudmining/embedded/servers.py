"""Both servers of a home, started or adopted together and kept on the ports everybody has been told."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from cloudmining.embedded import environment, postgres, valkey
from cloudmining.embedded.environment import Mode
from cloudmining.embedded.home import Home
from cloudmining.embedded.processes import Server
from cloudmining.embedded.supervisor import Supervisor


@dataclass(frozen=True)
class Servers:
    home: Home
    mode: Mode
    postgres: Server
    valkey: Server

    def variables(self, web_port: int) -> dict[str, str]:
        return environment.variables(
            self.home, self.mode, postgres_port=self.postgres.port, valkey_port=self.valkey.port, web_port=web_port
        )


def start(
    home: Home, mode: Mode, *, leash: bool, postgres_port: int | None = None, valkey_port: int | None = None
) -> Servers:
    durable = mode != "test"
    return Servers(
        home,
        mode,
        postgres.start(home, port=postgres_port, durable=durable, leash=leash),
        valkey.start(home, port=valkey_port, durable=durable, leash=leash),
    )


def start_kept(home: Home, mode: Mode, supervisor: Supervisor) -> Servers:
    """Servers that end with us, and that `supervisor` starts again on the same port when they die."""
    found = start(home, mode, leash=True)
    for server, launcher in ((found.postgres, postgres.start), (found.valkey, valkey.start)):
        again = partial(launcher, home, port=server.port, durable=mode != "test", leash=True)
        supervisor.keep(server, again)
    return found
