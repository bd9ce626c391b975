"""Runs faults on servers of their own, one after the other, and ends with a table: script/faults [NAME…]."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from cloudmining.embedded import environment, ports, postgres, valkey
from cloudmining.embedded.home import Home
from tests import database
from tests.database import ROOT
from tests.faults.matrix import Fault, all_faults

TOLD = "TOLD"  # before what a fault has to tell, on the last line of its output
KEPT_LINES = 60
LONGEST_S = 300.0
ENDS_WITHIN_S = 20.0
NO_SERVERS = {
    "CLOUDMINING_MODE": "test",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "unused",
}
MAKE_TEMPLATE = "from tests import database; database.drop(database.make('first'))"


@dataclass(frozen=True)
class Outcome:
    fault: Fault
    held: bool
    took_s: float
    words: str
    output: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    if given.one:
        return run_here(given.one)
    prepare()
    faults = all_faults()
    unknown = [name for name in given.names if name not in faults]
    if unknown:
        print(f"faults: there is no fault {unknown[0]!r}; script/faults --list names all", file=sys.stderr)
        return 2
    chosen = [faults[name] for name in given.names or faults]
    if given.list:
        print("\n".join(f"{each.name}: {each.what}" for each in chosen))
        return 0
    return run_all(chosen, given.home)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="faults to run (default: all)")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    parser.add_argument("--home", metavar="DIR", help="keep the servers' data here (default: a temporary directory)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser


def run_all(faults: Sequence[Fault], home_directory: str | None) -> int:
    with tempfile.TemporaryDirectory(prefix="cloudmining-faults-") as directory:
        Path(directory).chmod(0o711)  # PostgreSQL may have to enter it as nobody
        home = Home.at(home_directory or directory)
        with home.lock("faults"):
            try:
                subprocess.run([sys.executable, "-c", MAKE_TEMPLATE], cwd=ROOT, env=servers_of(home), check=True)
                outcomes = [_tell(run_apart(fault, home)) for fault in faults]
            finally:
                for server in filter(None, (postgres.running(home), valkey.running(home))):
                    server.stop()
    print(table(outcomes))
    broken = [outcome for outcome in outcomes if not outcome.held]
    for outcome in broken:
        print(f"\n=== {outcome.fault.name}\n{outcome.output}")
    return 1 if broken else 0


def run_apart(fault: Fault, home: Home) -> Outcome:
    """In a process of its own, which is ended with all its children when its time is over."""
    command = [sys.executable, "-m", "tests.faults", "--one", fault.name]
    env, began_s = servers_of(home), time.monotonic()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True, **pipes)
    try:
        output = process.communicate(timeout=LONGEST_S)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        output = end(process) + f"\nnot within {LONGEST_S:.0f} s"
    lines = output.rstrip().splitlines() or ["it said nothing"]
    held = process.returncode == 0
    words = lines[-1].removeprefix(TOLD).strip()
    return Outcome(fault, held, time.monotonic() - began_s, words, "\n".join(lines[-KEPT_LINES:]))


def end(process: subprocess.Popen[bytes]) -> str:
    """In good order if it can, so that it ends what it started."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=ENDS_WITHIN_S)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0].decode(errors="replace")


def servers_of(home: Home) -> dict[str, str]:
    """Durable ones, since a fault may kill them; what the one before has killed is started again."""
    found = [server.start(home, durable=True, leash=True) for server in (postgres, valkey)]
    ours = environment.variables(
        home, "test", postgres_port=found[0].port, valkey_port=found[1].port, web_port=ports.any_free()
    )
    return {**os.environ, **ours, "WEBHOOK_NETWORKS": "127.0.0.0/8", "PYTHONUNBUFFERED": "1"}


def run_here(name: str) -> int:
    """One fault in this process, on a database of its own."""
    made = database.make("faults")
    os.environ.update(database.environment(made))
    try:
        prepare()
        told = run(all_faults()[name])
    finally:
        with suppress(psycopg.OperationalError):  # where the fault left no server
            database.drop(made)
    print(TOLD, told or "")
    return 0


def prepare() -> None:
    """Faults are written in the words of the project's own code."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudmining.settings")
    for name, value in NO_SERVERS.items():  # to name the faults none is needed
        os.environ.setdefault(name, value)
    django.setup()


def run(fault: Fault) -> str | None:
    with (
        tempfile.TemporaryDirectory(prefix="cloudmining-fault-") as directory,
        fault.staged(Path(directory)) as scene,
    ):
        try:
            return fault.run(scene)
        except BaseException:
            print("\n".join(["--- gateway", *scene.edge.log.splitlines()[-15:]]))
            print("\n".join(["--- web", *scene.web.output.splitlines()[-15:]]))
            raise


def _tell(outcome: Outcome) -> Outcome:
    print(row(outcome), flush=True)
    return outcome


def row(outcome: Outcome) -> str:
    word = "held" if outcome.held else "BROKEN"
    return f"{word:<7} {outcome.took_s:5.0f} s  {outcome.fault.name:<48} {outcome.words}"


def table(outcomes: Sequence[Outcome]) -> str:
    """In Markdown."""
    lines = ["", "| fault | what happens | | seconds | |", "|---|---|---|---|---|"]
    for outcome in outcomes:
        words = outcome.words.replace("|", "\\|")
        verdict = "held" if outcome.held else "**broken**"
        lines.append(f"| {outcome.fault.name} | {outcome.fault.what} | {verdict} | {outcome.took_s:.0f} | {words} |")
    held = sum(outcome.held for outcome in outcomes)
    return "\n".join([*lines, "", f"{held} of {len(outcomes)} held."])


if __name__ == "__main__":
    sys.exit(main())
