"""The demo: both servers, the processes of cloudmining, seeded data, and the story told on the screen."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from cloudmining.embedded import ports, servers
from cloudmining.embedded.home import Home, StartError
from cloudmining.embedded.ports import LOOPBACK
from cloudmining.embedded.supervisor import Supervisor, how_it_ended, ignore_signals, signals_interrupt

PREFERRED_WEB_PORT = 8000
ANSWER_WITHIN_S = 60.0
# A second worker is worth its memory only where it has a core of its own.
CORES_FOR_TWO, BYTES_FOR_TWO = 2, 4 * 10**9
TWO_WORKERS = {"worker": "default,plans", "helper": "parts,studies"}
ONE_WORKER = {"worker": "default,plans,studies"}
CELERY = (sys.executable, "-m", "celery", "-A", "cloudmining")
QUIET = ("--concurrency", "1", "--loglevel", "WARNING")
INTERRUPTED = 130
STORY_SWEEP_S = "1"
LOGS = ("bootstrap", "seed_demo", "web", "worker", "helper", "beat", "gateway", "simulator")

Environment = Mapping[str, str]


@dataclass(frozen=True)
class DemoOptions:
    web_port: int | None = None
    once: bool = False
    story: bool = True
    verbose: bool = False


@dataclass(frozen=True)
class Part:
    """A process kept running; `env` is for what only this one may know, `port` where it answers once it is ready."""

    command: Sequence[str]
    env: Environment = field(default_factory=dict)
    port: int | None = None


@dataclass(frozen=True)
class Program:
    """What a demo runs: `steps` once in order, `parts` kept running, then `story` on the screen.

    `parts` is asked after the steps, which leave credentials; a part with a port is waited for before the next starts.
    """

    steps: Mapping[str, Sequence[str]]
    parts: Callable[[], Mapping[str, Part]]
    story: Sequence[str]


def cloudmining(home: Home, env: Environment) -> Program:
    manage = (sys.executable, "manage.py")
    return Program(
        steps={"bootstrap": (*manage, "bootstrap"), "seed_demo": (*manage, "seed_demo")},
        parts=lambda: {**_cloud(home, env), **_mine(home, env)},
        story=(*manage, "story"),
    )


def telling(story: str) -> Callable[[Home, Environment], Program]:
    """The program that tells one story, which founds its organisations, brings its own mine and does not wait long for
    sweeps."""

    def program(home: Home, env: Environment) -> Program:
        manage = (sys.executable, "manage.py")
        steps = {"bootstrap": (*manage, "bootstrap")}
        return Program(steps, parts=lambda: _stage(home, env), story=(*manage, "story", story, "--seed"))

    return program


def _stage(home: Home, env: Environment) -> dict[str, Part]:
    """One worker does all, beat included: each further process would take longer to start than it saves a story."""
    worker = ("worker", "-n", "worker@%h", "-Q", ONE_WORKER["worker"], *QUIET, "--beat", *_schedule(home))
    return {"worker": Part((*CELERY, *worker), {"SWEEP_S": STORY_SWEEP_S}), "web": _web(env)}


def _cloud(home: Home, env: Environment) -> dict[str, Part]:
    queues = TWO_WORKERS if _has_room() else ONE_WORKER
    return {
        **{name: Part((*CELERY, "worker", "-n", f"{name}@%h", "-Q", taken, *QUIET)) for name, taken in queues.items()},
        # Who looks at the demo's production looks within its first minutes.
        "beat": Part((*CELERY, "beat", "--pidfile=", *_schedule(home)), {"PRODUCTION_SWEEP_S": "20"}),
        "web": _web(env),
    }


def _schedule(home: Home) -> tuple[str, ...]:
    return ("--schedule", str(home.folder("beat") / "schedule"))


def _web(env: Environment) -> Part:
    command = (
        sys.executable, "-m", "uvicorn", "cloudmining.asgi:application", "--host", LOOPBACK, "--port", env["WEB_PORT"],
        "--ws", "cloudmining.sockets:Sockets", "--ws-per-message-deflate", "false",
        "--ws-ping-interval", "20", "--ws-ping-timeout", "20",
        "--no-access-log", "--timeout-graceful-shutdown", "3",
    )  # fmt: skip
    # Each frame of a gateway is a transaction of its own: without kept connections each would log in anew.
    return Part(command, {"DATABASE_POOL_SIZE": "16"}, port=int(env["WEB_PORT"]))


def _has_room() -> bool:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return len(os.sched_getaffinity(0)) >= CORES_FOR_TWO and memory >= BYTES_FOR_TWO


def _mine(home: Home, env: Environment) -> dict[str, Part]:
    gateway = (
        sys.executable, "-m", "edge_bridge.gateway", "--edge", "aurora-north", "--cloud-url", env["BASE_URL"],
        "--data-dir", str(home.folder("gateway")), "--listen-port", env["GATEWAY_PORT"],
        "--rules", "edge_bridge/gateway/demo_rules.toml",
    )  # fmt: skip
    simulator = (
        sys.executable, "-m", "terminal_sim", "run", "terminal_sim/scenarios/demo.toml",
        "--gateway", f"ws://{LOOPBACK}:{env['GATEWAY_PORT']}",
    )  # fmt: skip
    keys = json.loads((home.root / "demo-keys.json").read_text())
    return {
        "gateway": Part(gateway, {"DEVICE_CREDENTIAL": keys["device"]}, port=int(env["GATEWAY_PORT"])),
        "simulator": Part(simulator),
    }


def run(home: Home, options: DemoOptions, program: Callable[[Home, Environment], Program] = cloudmining) -> int:
    """Serve until interrupted, or with `once` until the story has been told; the exit code is the story's."""
    supervisor = Supervisor(home, say)
    with home.lock("demo"), signals_interrupt():
        try:
            return _play(home, options, supervisor, program)
        except KeyboardInterrupt:
            return INTERRUPTED
        finally:
            ignore_signals()
            supervisor.stop()


def say(line: str) -> None:
    print(f"demo: {line}", flush=True)


def _play(
    home: Home, options: DemoOptions, supervisor: Supervisor, program: Callable[[Home, Environment], Program]
) -> int:
    env = _start_servers(home, options, supervisor)
    chosen = program(home, env)
    if options.verbose:
        _show_logs(home, supervisor, env)
    for name, command in chosen.steps.items():
        _take_step(home, supervisor, name, command, env)
    for name, part in chosen.parts().items():
        supervisor.keep_command(name, part.command, {**env, **part.env})
        if part.port:
            _await_answer(home, supervisor, name, part.port)
    code = _tell_story(supervisor, chosen.story, env) if options.story else 0
    if not options.once:
        say(f"serving {env['BASE_URL']}; logs in {home.root / 'log'}; Ctrl-C to stop")
        with suppress(KeyboardInterrupt):
            supervisor.until(lambda: False)
    return code


def _start_servers(home: Home, options: DemoOptions, supervisor: Supervisor) -> dict[str, str]:
    began_s = time.monotonic()
    # The web port first: when it was given and is busy, nothing else need start.
    web_port = ports.choose(home, "web", options.web_port, PREFERRED_WEB_PORT)
    gateway_port = ports.choose(home, "gateway")
    found = servers.start_kept(home, "demo", supervisor)
    home.remember_port("web", web_port)
    home.remember_port("gateway", gateway_port)
    took = f"{time.monotonic() - began_s:.1f} s"
    say(f"PostgreSQL on port {found.postgres.port}, Valkey on port {found.valkey.port} ({took})")
    own = {"GATEWAY_PORT": str(gateway_port), "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **found.variables(web_port), **own}


def _take_step(home: Home, supervisor: Supervisor, name: str, command: Sequence[str], env: Environment) -> None:
    began_s = time.monotonic()
    running = supervisor.run(name, command, env)
    supervisor.until(lambda: not running.alive())
    if running.process and running.process.returncode:
        raise StartError(
            f"{name} {how_it_ended(running)}: {_last_line(home, name)} (all of it in {home.log_path(name)})"
        )
    say(f"{name} done ({time.monotonic() - began_s:.1f} s)")


def _await_answer(home: Home, supervisor: Supervisor, name: str, port: int) -> None:
    if not supervisor.until(partial(ports.is_answering, port), ANSWER_WITHIN_S):
        raise StartError(f"{name} does not answer on port {port}: {_last_line(home, name)} ({home.log_path(name)})")


def _last_line(home: Home, name: str) -> str:
    lines = home.log_path(name).read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _tell_story(supervisor: Supervisor, command: Sequence[str], env: Environment) -> int:
    began_s = time.monotonic()
    story = supervisor.run("story", command, env, on_screen=True)
    supervisor.until(lambda: not story.alive())
    say(f"the story took {time.monotonic() - began_s:.1f} s")
    code = story.process.returncode if story.process else 1
    if code:
        say(f"the story {how_it_ended(story)}")
    return code if code >= 0 else 1


def _show_logs(home: Home, supervisor: Supervisor, env: Environment) -> None:
    logs = [home.log_path(name) for name in LOGS]
    for log in logs:
        log.touch()
    supervisor.run("tail", ["tail", "-n", "0", "-F", *map(str, logs)], env, on_screen=True)
