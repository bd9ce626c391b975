"""`python -m cloudmining.embedded up | down | demo | test`."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence

from cloudmining.embedded import environment, ports, postgres, valkey
from cloudmining.embedded.home import Home, StartError


def up(options: argparse.Namespace) -> int:
    home = Home.at(options.home)
    durable = options.mode != "test"
    servers = {
        "postgres": postgres.start(home, port=options.postgres_port, durable=durable),
        "valkey": valkey.start(home, port=options.valkey_port, durable=durable),
    }
    for server in servers.values():
        print(f"# {server.name}: pid {server.pid}, port {server.port}{', was running' if server.adopted else ''}")
    web_port = ports.choose(home, "web", preferred=8000)
    found = environment.variables(
        home,
        options.mode,
        postgres_port=servers["postgres"].port,
        valkey_port=servers["valkey"].port,
        web_port=web_port,
    )
    for name, value in found.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def down(options: argparse.Namespace) -> int:
    home = Home.at(options.home)
    with home.lock("demo"):
        for server in filter(None, (postgres.running(home), valkey.running(home))):
            server.stop()
            print(f"{server.name} stopped (pid {server.pid})")
    return 0


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="python -m cloudmining.embedded", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    start = commands.add_parser("up", help="start both servers, print their environment, leave them running")
    start.add_argument(
        "--mode", choices=["demo", "test"], default="demo", help="test: fast, may lose data; adds DATABASE_ADMIN_URL"
    )
    start.add_argument("--postgres-port", type=int)
    start.add_argument("--valkey-port", type=int)
    start.set_defaults(run=up)
    stop = commands.add_parser("down", help="stop both servers")
    stop.set_defaults(run=down)
    for command in (start, stop):
        command.add_argument(
            "--home", help="directory of data, secrets and logs (default: $CLOUDMINING_HOME, else var/)"
        )
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except StartError as error:
        print(f"cloudmining: {error}", file=sys.stderr)
    except OSError as error:
        print(
            f"cloudmining: {error.strerror or error}: {error.filename or 'no file named'}; see --home", file=sys.stderr
        )
    return 1


if __name__ == "__main__":
    sys.exit(main())
