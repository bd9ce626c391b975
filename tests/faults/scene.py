"""A mine, its gateway, the cloud and those who are to know: real processes, and links that can be spoilt."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from tests import personas
from tests.database import ROOT
from tests.faults import truth
from tests.faults.client import Client
from tests.faults.proxy import Proxy
from tests.faults.truth import RULES, Said, admin_url, rows, wave
from tests.integration.edge import scenes
from tests.integration.edge.processes import GatewayProcess
from tests.live import LiveWeb
from tests.ports import free_port

WITHIN_S = 90.0
WEB = {"FEED_HEARTBEAT_S": "1"}
COUNTS = """
SELECT session.readings_produced, lane.stored + lane.missing + lane.quarantined
  FROM edge_bridge_watermark session JOIN edge_bridge_watermark lane
    ON (lane.tenant_id, lane.edge, lane.boot) = (session.tenant_id, session.edge, session.boot)
 WHERE session.tenant_id = %s AND session.lane = 'p1' AND lane.lane = 'p2' AND session.readings_through = lane.through
"""


def wait_until(holds: Callable[[], object], what: str, within_s: float = WITHIN_S) -> None:
    deadline_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline_s, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.05)


class Scene:
    """A context manager that starts everything on entry and ends it on exit.

    Aurora owns the mine, Borealis may see its alarms, Cassia may not. The gateway reaches the cloud over `link`, all
    three over `people`. `truth` grows with what is played. Terminals `speak` websocket or MQTT.
    """

    def __init__(
        self,
        directory: Path,
        *,
        uplink: str = "http",
        settings: str = "",
        program: Sequence[str] = ("-m", "edge_bridge.gateway"),
        partner: bool = True,
        speak: str = "ws",
    ) -> None:
        self.directory = directory
        self.owner, self.partner, self.stranger = personas.aurora(), personas.borealis(), personas.cassia()
        self.agreement = scenes.opened(self.owner, self.partner, "view_alarms") if partner else None
        self.device = scenes.gateway(self.owner)
        self.web = LiveWeb(WEB)
        self.link, self.people = Proxy(self.web.base_url), Proxy(self.web.base_url)
        rules = directory / "rules.toml"
        rules.write_text(RULES)
        ports = {"ws": free_port(), "mqtt": free_port()}
        self.gateway_url = f"{speak}://127.0.0.1:{ports[speak]}" + ("/north" if speak == "mqtt" else "")
        listens = f"listen_port = {ports['ws']}\nmqtt_port = {ports['mqtt']}\nanswer_timeout_s = 3\n"
        self._edge = uplink, listens + settings, rules, program
        self.truth: list[Said] = []
        self._cycles = 0
        self._terminals: list[subprocess.Popen[bytes]] = []
        self._open = ExitStack()

    def __enter__(self) -> "Scene":
        with self._open:  # what was begun ends if the rest can't begin
            self._start()
            self._open = self._open.pop_all()
        return self

    def _start(self) -> None:
        for each in (self.web, self.link, self.people):
            self._open.enter_context(each)
        self.edge = GatewayProcess(self.directory, self.device, self.link.url, *self._edge)
        self._open.enter_context(self.edge)
        self.clients = {who.tenant.name: self.follow(who) for who in (self.owner, self.partner, self.stranger)}

    def __exit__(self, *exception: Any) -> None:
        for terminal in self._terminals:
            terminal.kill()
            terminal.wait()
        self._open.close()

    def follow(self, who: personas.Organisation) -> Client:
        address = self.people.url.replace("http", "ws", 1)
        return self._open.enter_context(Client(f"{address}/ws/v1/feed", who.key()))

    # What the terminal does ----------------------------------------------------------------------------------------

    def begin(
        self,
        cycles: int,
        *,
        rate: float = 20.0,
        lows: int = 1,
        every_s: float | None = None,
        until: datetime | None = None,
    ) -> None:
        """A terminal begins to send readings of so many alarms, `rate` readings a second.

        They are stamped when they are sent, or else `every_s` apart with the last one `until`.
        """
        recording = self.directory / f"wave-{self._cycles}.csv"
        self.truth += wave(recording, self._cycles, cycles, lows, every_s or 1.0, until)
        self._cycles += cycles
        command = [sys.executable, "-m", "terminal_sim", "replay", str(recording), "--equipment", "GAS-T0-01"]
        command += ["--tag", "ch4", "--gateway", self.gateway_url, "--rate", str(rate)]
        command += ["--stamp-now"] if every_s is None else []
        with (self.directory / "terminal.log").open("ab") as log:
            self._terminals.append(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log))

    def finish(self, within_s: float = WITHIN_S) -> None:
        """Waits until the gateway has taken everything from the terminals."""
        while self._terminals:
            assert self._terminals.pop(0).wait(within_s) == 0, (self.directory / "terminal.log").read_text()

    def pause_terminals(self) -> None:
        """They go mute; their connections stay open."""
        for terminal in self._terminals:
            terminal.send_signal(signal.SIGSTOP)

    def resume_terminals(self) -> None:
        for terminal in self._terminals:
            terminal.send_signal(signal.SIGCONT)

    def play(self, cycles: int, **how: Any) -> None:
        self.begin(cycles, **how)
        self.finish()

    # What is known -------------------------------------------------------------------------------------------------

    @property
    def in_the_cloud(self) -> list[Said]:
        """In the order of the owner's feed."""
        return truth.feed(self.owner.id)

    def check(self, within_s: float = WITHIN_S) -> None:
        """Truth = history of the alarms = feeds = what each client received, exactly once; and the counts balance."""
        n = len(self.truth)
        wait_until(lambda: len(self.in_the_cloud) >= n, f"{n} alarm events in the cloud", within_s)
        assert self.in_the_cloud == self.truth, difference(self.in_the_cloud, self.truth)
        assert sorted(truth.history(self.owner.id)) == sorted(self.truth)
        assert truth.feed(self.partner.id) == (self.truth if self.agreement else [])
        for who in (self.owner, self.partner) if self.agreement else (self.owner,):
            client = self.clients[who.tenant.name]
            wait_until(lambda client=client: len(client.said) >= n, f"{who.tenant.name} received {n}", within_s)
            assert client.said == self.truth, difference(client.said, self.truth)
        self.check_chains()
        wait_until(lambda: self.counts and all(made == there for made, there in self.counts), "the counts balance")

    def check_chains(self) -> None:
        for who in (self.owner, self.partner, self.stranger):
            assert rows(truth.HOLES, who.id) == [(0,)]
            assert self.clients[who.tenant.name].faults == []
        assert self.clients[self.stranger.tenant.name].said == []

    @property
    def counts(self) -> list[tuple[Any, ...]]:
        """Of each epoch whose last heartbeat has all its readings: produced by the mine, accounted for in the cloud."""
        return rows(COUNTS, self.owner.id)

    # What holds the processes in the middle of something -----------------------------------------------------------

    @contextmanager
    def commits_held(self) -> Iterator[None]:
        """No transaction that tells the owner anything can commit: everything is inserted, and its head is locked."""
        with closing(psycopg.connect(admin_url())) as holder:
            holder.execute("SELECT FROM tenants_feedhead WHERE tenant_id = %s FOR UPDATE", [self.owner.id])
            yield

    def a_commit_waits(self) -> bool:
        waits = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(rows(waits))


def difference(found: list[Said], expected: list[Said]) -> str:
    missing = [said for said in expected if said not in found]
    more = [said for said in found if found.count(said) > 1 or said not in expected]
    return f"missing {missing[:5]}, doubled or foreign {more[:5]}, else in another order ({len(found)}/{len(expected)})"
