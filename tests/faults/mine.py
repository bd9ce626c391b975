"""A mine of many terminals at two sites with a gateway each, and all who are to know; its oracle is the truth file."""

import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

from tenants.agreements.actions import agree_by_offer
from tenants.models import Equipment, Site
from tests import personas
from tests.database import ROOT
from tests.faults.client import Client, EventStream, Page
from tests.faults.districts import Districts, Foreseen, Name
from tests.faults.proxy import Proxy
from tests.faults.scene import COUNTS, WEB, WITHIN_S, wait_until
from tests.faults.truth import HOLES, rows
from tests.integration.edge import scenes
from tests.integration.edge.processes import GatewayProcess
from tests.live import LiveWeb
from tests.ports import free_port

Event = tuple[str, str, str, str]  # equipment, type of the alarm, raised or cleared, when it occurred
ABOUT_THE_SITE = {"alarm_flood"}  # what so many alarms bring with them
EXACTLY = timedelta(milliseconds=1)
TWO_STEPS = timedelta(seconds=0.67)  # of the scenario as it is played: what twins say late weighs more
NOTICED_WITHIN = timedelta(seconds=10)  # by its own clock, by a gateway that was killed meanwhile or has no processor
MACHINES_OF_ALARMS = """
SELECT e.code, a.alarm_type, c.event, c.occurred_at FROM edge_bridge_alarmchange c
  JOIN edge_bridge_alarm a ON a.id = c.alarm_id LEFT JOIN tenants_equipment e ON e.id = a.equipment_id
 WHERE c.tenant_id = %s AND c.event IN ('raised', 'cleared')
"""
FEED = """
SELECT body->>'equipment_code', body->>'type', split_part(kind, '.', 2), body->>'occurred_at' FROM tenants_feedevent
 WHERE tenant_id = %s AND kind IN ('alarm.raised', 'alarm.cleared') ORDER BY seq
"""


class Mine:
    """A context manager that starts everything on entry and ends it on exit.

    The first half of the districts is Aurora North with a gateway of its own, the second Aurora South with another.
    Borealis may see the alarms of South and of one machine of North, Cassia none. `edge`, `web`, `link` and `people`
    are there to be harmed.
    """

    def __init__(
        self, directory: Path, *, districts: int, speed: float, patience_s: float, is_undisturbed: bool = False
    ) -> None:
        self.districts = Districts(directory, districts, speed, patience_s, is_undisturbed)
        self.districts.write()
        self.owner, self.partner, self.stranger = personas.aurora(), personas.borealis(), personas.cassia()
        half = districts // 2
        north, south = (self._codes(range(first, first + half)) for first in (1, half + 1))
        self._register("north", north)
        self._register("south", south)
        self._open_to_partner(one_machine=north[1])
        self.seen_by_partner = {north[1], *south}
        self.web = LiveWeb(WEB)
        self.link, self.people = Proxy(self.web.base_url), Proxy(self.web.base_url)
        self._open = ExitStack()
        self._directory = directory

    def _codes(self, districts: Sequence[int]) -> list[str]:
        return [code for n in districts for code in self.districts.equipment(n)]

    def _register(self, code: str, machines: Sequence[str]) -> None:
        with self.owner.acting():
            site = self.owner.sites.get(code) or Site.objects.create(
                tenant_id=self.owner.id, code=code, name=f"Aurora {code.title()}", kind="mine"
            )
            self.owner.sites[code] = site
            rows = [Equipment(tenant_id=self.owner.id, site=site, code=name, name=name, kind="m") for name in machines]
            Equipment.objects.bulk_create(rows)
            self.owner.equipment |= {row.code: row for row in rows}

    def _open_to_partner(self, one_machine: str) -> None:
        told = {"permissions": ["view_alarms"], "during": (datetime.now().astimezone() - timedelta(seconds=1), None)}
        clauses = [
            {"site": self.owner.sites["south"], **told},
            {"equipment": self.owner.equipment[one_machine], **told},
        ]
        who = {"owner_id": self.owner.id, "partner_id": self.partner.id}
        with self.owner.acting():
            agree_by_offer(**who, title="Watch", purpose="maintenance", clauses=clauses)

    def __enter__(self) -> "Mine":
        with self._open:  # what was begun ends if the rest can't begin
            for each in (self.web, self.link, self.people):
                self._open.enter_context(each)
            self.edges = [self._gateway(site) for site in ("north", "south")]
            self.clients = {who.id: self._clients_of(who) for who in (self.owner, self.partner, self.stranger)}
            self._open = self._open.pop_all()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._open.close()

    @property
    def edge(self) -> GatewayProcess:
        return self.edges[0]

    def _gateway(self, site: str) -> GatewayProcess:
        directory = self._directory / site
        directory.mkdir()
        settings = f"listen_port = {free_port()}\nanswer_timeout_s = 3\n"
        device = scenes.gateway(self.owner, site)
        return self._open.enter_context(
            GatewayProcess(directory, device, self.link.url, settings=settings, rules=self.districts.rules)
        )

    def _clients_of(self, who: personas.Organisation) -> list[Client]:
        """One of each kind, with the same key."""
        key, http = who.key(), self.people.url
        pages = f"{http}/api/v1/feed/events"
        made = (Client(f"{http.replace('http', 'ws', 1)}/ws/v1/feed", key), EventStream(pages, key), Page(pages, key))
        return [self._open.enter_context(client) for client in made]

    # What happens ----------------------------------------------------------------------------------------------------

    def play(self, *harms: tuple[float, Callable[[], None]]) -> None:
        """The scenario once, from its start to its end; each harm is done so many seconds after the start."""
        command = [sys.executable, "-m", "terminal_sim", "run", str(self.districts.scenario), "--once"]
        command += ["--speed", str(self.districts.speed)]
        for edge in self.edges:
            command += ["--gateway", edge.url]
        path = self._directory / "terminals.log"
        with path.open("ab") as log:
            terminals = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        self._open.callback(terminals.wait)
        self._open.callback(terminals.kill)
        for harm in _in_time(harms):
            harm()
        assert terminals.wait(WITHIN_S) == 0, path.read_text()
        assert "refused: 0" in path.read_text()
        self._ended_at = datetime.now(UTC)

    # What must be --------------------------------------------------------------------------------------------------

    @cached_property
    def truth(self) -> list[dict[str, Any]]:
        return self.districts.truth()

    @cached_property
    def foreseen(self) -> list[Foreseen]:
        return self.districts.foreseen(self.truth)

    def check(self) -> str:
        """Truth file = history of the alarms = feeds = what each client received, exactly once; and counts balance."""
        n = len(self.foreseen)
        wait_until(lambda: len(self.feed(self.owner.id)) >= n, f"{n} alarm events in the cloud")
        wait_until(lambda: self._counts_balance, "the counts balance")
        said = self.feed(self.owner.id)
        wrong = disagreement(said, self.foreseen)
        assert not wrong, "\n".join(wrong)
        assert sorted(self.history) == sorted(said)
        self._check_clients(self.owner, said)
        seen = [event for event in said if event[0] in self.seen_by_partner]
        assert 0 < len(seen) < len(said)
        self._check_clients(self.partner, seen)
        self._check_clients(self.stranger, [])
        faults = sum(row["what"] == "fault" for row in self.truth)
        return f"{n} alarm events of {faults} faults; the partner was told {len(seen)}"

    def _check_clients(self, who: personas.Organisation, expected: list[Event]) -> None:
        assert self.feed(who.id) == expected
        assert rows(HOLES, who.id) == [(0,)]
        for client in self.clients[who.id]:
            name = f"{who.tenant.name} by {type(client).__name__}"
            wait_until(lambda client=client: len(self._told(client)) >= len(expected), f"all were told {name}")
            assert self._told(client) == expected, name
            assert client.faults == [] and client.resets == [] and client.connections, name

    @property
    def history(self) -> list[Event]:
        found = rows(MACHINES_OF_ALARMS, self.owner.id)
        return self._of_machines([(code, type_, event, at.isoformat()) for code, type_, event, at in found])

    def feed(self, tenant: UUID) -> list[Event]:
        return self._of_machines(rows(FEED, tenant))

    def _told(self, client: Client) -> list[Event]:
        told = [each for each in client.events if each["kind"] in ("alarm.raised", "alarm.cleared")]
        bodies = [(each["body"], each["kind"].rpartition(".")[2]) for each in told]
        return self._of_machines([(b["equipment_code"], b["type"], event, b["occurred_at"]) for b, event in bodies])

    def _of_machines(self, found: Sequence[tuple[Any, ...]]) -> list[Event]:
        """Without the silence that follows when the terminals have ended."""
        assert {type_ for code, type_, *_ in found if code is None} <= ABOUT_THE_SITE
        machines = [(code, type_, event, at) for code, type_, event, at in found if code is not None]
        return [event for event in machines if datetime.fromisoformat(event[3]) <= self._ended_at]

    @property
    def _counts_balance(self) -> bool:
        counts = rows(COUNTS, self.owner.id)
        return len(counts) >= len(self.edges) and all(made == there for made, there in counts)


def _in_time(harms: Sequence[tuple[float, Callable[[], None]]]) -> Iterator[Callable[[], None]]:
    began_s = time.monotonic()
    for at_s, harm in sorted(harms, key=lambda each: each[0]):
        time.sleep(max(began_s + at_s - time.monotonic(), 0))
        yield harm


def disagreement(said: Sequence[Event], foreseen: Sequence[Foreseen]) -> list[str]:
    """What is there and not foreseen, or the other way round, or at another moment; in words.

    When the scenario began is that of the first alarm of a rule; all others must fit.
    """
    expected: defaultdict[Name, list[Foreseen]] = defaultdict(list)
    found: defaultdict[Name, list[datetime]] = defaultdict(list)
    for event in sorted(foreseen, key=lambda each: each.latest):
        expected[event.name].append(event)
    for *name, at in sorted(said, key=lambda each: each[3]):
        found[tuple(name)].append(datetime.fromisoformat(at))
    count = Counter({name: len(events) for name, events in expected.items()})
    count.subtract({name: len(moments) for name, moments in found.items()})
    if wrong := [f"{name}: {n:+d} missing" for name, n in sorted(count.items()) if n]:
        return wrong
    began = min(found[name][0] - events[0].latest for name, events in expected.items() if not events[0].is_by_gateway)
    return [
        f"{name}: at {at - began}, foreseen {event.earliest} to {event.latest}"
        for name, events in expected.items()
        for event, at in zip(events, found[name], strict=True)
        if not _fits(event, at - began)
    ]


def _fits(event: Foreseen, after: timedelta) -> bool:
    before, behind = (TWO_STEPS, NOTICED_WITHIN) if event.is_by_gateway else (EXACTLY, EXACTLY)
    return event.earliest - before <= after <= event.latest + behind
