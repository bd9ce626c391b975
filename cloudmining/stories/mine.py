"""The mine of a story: a program that speaks as a gateway over HTTP, so that the story says what is measured."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx

from cloudmining.story import Party, StoryError
from edge_bridge.protocol import Batch, Birth, Body, Entry, Lane, Quality, Reading, Tag, encode

Measured = Iterable[tuple[datetime, float]]


@dataclass
class Mine:
    """One gateway of a site; it numbers what it says, lane by lane."""

    http: httpx.Client
    credential: str
    edge: str
    boot: UUID = field(default_factory=uuid4)
    next_seq: dict[Lane, int] = field(default_factory=lambda: dict.fromkeys(Lane, 1))

    @classmethod
    def enrolled(cls, owner: Party, site: str) -> "Mine":
        name = f"story-{uuid4().hex[:8]}"
        device = owner.call("POST", "devices", {"site": site, "name": name})
        return cls(owner.http, device["credential"], name)

    def born(self, *tags: tuple[str, str, str]) -> None:
        """Say which tags there are: equipment, tag, unit."""
        self.say(Lane.P1, Birth(datetime.now(UTC), tuple(Tag(*tag) for tag in tags)))

    def measured(self, equipment: str, tag: str, values: Measured) -> None:
        self.say(Lane.P2, *(Reading(equipment, tag, value, Quality.GOOD, at) for at, value in values))

    def say(self, lane: Lane, *bodies: Body) -> None:
        first = self.next_seq[lane]
        self.next_seq[lane] = first + len(bodies)
        entries = tuple(Entry(seq, body) for seq, body in enumerate(bodies, first))
        batch = encode(Batch(self.edge, self.boot, lane, datetime.now(UTC), entries))
        headers = {"Authorization": f"Device {self.credential}", "Content-Type": "application/json"}
        answer = self.http.post("/api/v1/edge/batches", content=batch, headers=headers)
        if answer.is_error:
            raise StoryError(f"the gateway's batch was answered {answer.status_code}: {answer.text[:500]}")


def site_of(owner: Party, code: str) -> str:
    """The id of an own site."""
    sites = owner.call("GET", "sites")["results"]
    found = next((site["id"] for site in sites if site["code"] == code), None)
    if found is None:
        raise StoryError(f"{owner.name} has no site {code!r}")
    return str(found)


def machine_of(owner: Party, site: str, code: str, name: str, kind: str) -> str:
    """The id of own equipment, which is registered unless it is there."""
    machines = owner.call("GET", f"equipment?site={site}")["results"]
    found = next((machine for machine in machines if machine["code"] == code), None)
    return str(
        (found or owner.call("POST", "equipment", {"site": site, "code": code, "name": name, "kind": kind}))["id"]
    )
