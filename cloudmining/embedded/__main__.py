"""`python -m cloudmining.embedded up | down | demo | story | test`."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cloudmining.embedded import demo, ports, postgres, servers, suite, valkey
from cloudmining.embedded.home import Home, StartError

STORIES = ("director", "dispatcher", "regulator")


def up(options: argparse.Namespace) -> int:
    home = Home.at(options.home)
    ours = {"postgres_port": options.postgres_port, "valkey_port": options.valkey_port}
    found = servers.start(home, options.mode, leash=False, **ours)
    for server in (found.postgres, found.valkey):
        print(f"# {server.name}: pid {server.pid}, port {server.port}{', was running' if server.adopted else ''}")
    # Said again as it was said before, also while a web server of this home is on it.
    web_port = home.ports().get("web") or ports.choose(home, "web", preferred=demo.PREFERRED_WEB_PORT)
    home.remember_port("web", web_port)
    for name, value in found.variables(web_port).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def down(options: argparse.Namespace) -> int:
    home = Home.at(options.home)
    with home.lock("demo"):
        for server in filter(None, (postgres.running(home), valkey.running(home))):
            server.stop()
            print(f"{server.name} stopped (pid {server.pid})")
    return 0


def run_demo(options: argparse.Namespace) -> int:
    chosen = demo.DemoOptions(options.port, once=options.once, story=not options.no_story, verbose=options.verbose)
    return demo.run(Home.at(options.home), chosen)


def run_story(options: argparse.Namespace) -> int:
    """On a system of its own, which is gone afterwards unless a home is named."""
    chosen = demo.DemoOptions(options.port, once=True, verbose=options.verbose)
    program = demo.telling(options.name)
    if options.home:
        return demo.run(Home.at(options.home), chosen, program)
    with tempfile.TemporaryDirectory(prefix="cloudmining-story-") as directory:
        Path(directory).chmod(0o711)  # PostgreSQL may have to enter it as nobody
        return demo.run(Home.at(directory), chosen, program)


def run_tests(options: argparse.Namespace) -> int:
    return suite.run(options.pytest, options.home)


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="python -m cloudmining.embedded", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="COMMAND")

    start = commands.add_parser("up", help="start both servers, print their environment, leave them running")
    start.add_argument("--mode", choices=["demo", "test"], default="demo", help="test: fast, may lose data")
    start.add_argument("--postgres-port", type=int, metavar="N")
    start.add_argument("--valkey-port", type=int, metavar="N")
    start.set_defaults(run=up)

    stop = commands.add_parser("down", help="stop both servers")
    stop.set_defaults(run=down)

    show = commands.add_parser("demo", help="serve the demo and tell its story")
    story = show.add_mutually_exclusive_group()
    story.add_argument("--once", action="store_true", help="end after the story, with its exit code")
    story.add_argument("--no-story", action="store_true", help="serve without telling the story first")
    show.add_argument("--port", type=int, metavar="N", help="port of the web pages (default: last time's, else 8000)")
    show.add_argument("--verbose", action="store_true", help="show the logs of all processes")
    show.set_defaults(run=run_demo)

    told = commands.add_parser("story", help="tell a story on a fresh system, with its exit code")
    told.add_argument("name", choices=STORIES)
    told.add_argument("--home", metavar="DIR", help="keep the system here (default: a temporary directory)")
    told.add_argument("--port", type=int, metavar="N", help="port of the web pages (default: 8000, or any free one)")
    told.add_argument("--verbose", action="store_true", help="show the logs of all processes")
    told.set_defaults(run=run_story)

    tests = commands.add_parser("test", help="run pytest on servers of its own")
    tests.add_argument("pytest", nargs="*", metavar="-- PYTEST ARGUMENTS")
    tests.set_defaults(run=run_tests)

    for command in (start, stop, show):
        command.add_argument(
            "--home", metavar="DIR", help="data, secrets and logs (default: $CLOUDMINING_HOME or var/)"
        )
    tests.add_argument("--home", metavar="DIR", help="keep the servers' data here (default: a temporary directory)")
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
