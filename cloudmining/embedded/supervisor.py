"""Keeping processes running: each one that ends is started again, on the same port, with growing pauses."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

from cloudmining.embedded.home import PROJECT_ROOT, Home, StartError
from cloudmining.embedded.processes import Running, spawn, wait_until

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
STEADY_AFTER_S = 20.0
TICK_S = 0.1

Say = Callable[[str], None]


@dataclass
class Kept:
    """One process kept running; `start` makes it run, or raises StartError."""

    name: str
    start: Callable[[], Running]
    say: Say
    running: Running | None = None
    pause_s: float = FIRST_PAUSE_S
    started_s: float = 0.0
    retry_at_s: float = 0.0

    def tick(self, now_s: float) -> None:
        if self.running and not self.running.alive():
            self._mourn(self.running, now_s)
        if self.running is None and now_s >= self.retry_at_s:
            self._try(now_s)

    def _mourn(self, ended: Running, now_s: float) -> None:
        ended.kill_group()
        if now_s - self.started_s > STEADY_AFTER_S:
            self.pause_s = FIRST_PAUSE_S
        self.say(f"{self.name} {how_it_ended(ended)}; starting it again in {self.pause_s:g} s")
        self._postpone(now_s)
        self.running = None

    def _try(self, now_s: float) -> None:
        try:
            self.running = self.start()
            self.started_s = now_s
        except (StartError, OSError) as error:
            self.say(f"{self.name}: {error}; trying again in {self.pause_s:g} s")
            self._postpone(now_s)

    def _postpone(self, now_s: float) -> None:
        self.retry_at_s = now_s + self.pause_s
        self.pause_s = min(2 * self.pause_s, LONGEST_PAUSE_S)


@dataclass
class Supervisor:
    """Keeps its members running while `until` waits; `stop` ends those that were started here."""

    home: Home
    say: Say = print
    members: list[Kept] = field(default_factory=list)

    def keep(self, running: Running, start_again: Callable[[], Running]) -> None:
        self.members.append(Kept(running.name, start_again, self.say, running, started_s=time.monotonic()))

    def keep_command(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        start = partial(self.run, name, command, env)
        self.keep(start(), start)

    def run(self, name: str, command: Sequence[str], env: Mapping[str, str], on_screen: bool = False) -> Running:
        """Start a command in the project's directory; its output goes to the log `name` unless `on_screen`."""
        if on_screen:
            process = spawn(command, env=env, cwd=PROJECT_ROOT, leash=signal.SIGKILL)
        else:
            with self.home.open_log(name) as log:
                process = spawn(command, output=log, env=env, cwd=PROJECT_ROOT, leash=signal.SIGKILL)
        return Running(name=name, pid=process.pid, marker=command[0], process=process)

    def until(self, condition: Callable[[], bool], within_s: float = float("inf")) -> bool:
        def tick_and_look() -> bool:
            for member in self.members:
                member.tick(time.monotonic())
            return condition()

        return wait_until(tick_and_look, within_s, TICK_S)

    def stop(self) -> None:
        """Last one first, so that nobody loses what it uses before it ends itself; what was found running stays."""
        for member in reversed(self.members):
            if member.running and not member.running.adopted:
                member.running.stop()
                member.running.kill_group()


def how_it_ended(ended: Running) -> str:
    code = ended.process.poll() if ended.process else None
    if code is None:
        return "is gone"
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """SIGTERM and a closed terminal act like Ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    hung_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)  # nohup means it
    watched = (signal.SIGINT, signal.SIGTERM, *hung_up)
    before = {number: signal.signal(number, interrupt) for number in watched}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_signals() -> None:
    """From here to the end nothing interrupts the clean-up: a second Ctrl-C would leave servers behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
