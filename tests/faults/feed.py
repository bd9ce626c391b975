"""The feed under one who reads too slowly, a flood of another organisation, and a right that ends in mid-stream."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from edge_bridge.protocol import Batch, Lane, encode
from tenants.agreements.actions import end_agreement
from tenants.models import Agreement
from tests import personas
from tests.faults.client import Client
from tests.faults.matrix import fault
from tests.faults.scene import Scene, wait_until
from tests.faults.truth import feed, rows
from tests.integration.edge import scenes
from tests.integration.edge.scenes import BATCHES, cleared, raised
from tests.integration.feed.client import emit

FLOOD, FLOOD_S, A_BATCH = 10_000, 10.0, 250
PASSES_WITHIN_S = 1.0
FLOODED = "SELECT count(*), count(DISTINCT alarm_type) FROM edge_bridge_alarm WHERE tenant_id = %s AND tag = 'flood'"


@fault()
def slow_consumer(scene: Scene) -> str:
    """One client doesn't read while 5,000 events come; the others don't wait for it, and it gets all in the end."""
    slow = scene.follow(scene.owner)
    wait_until(lambda: slow.connections, "it follows")
    slow.stop_reading()
    for first in range(0, 5_000, 250):
        emit(scene.owner, range(first, first + 250), padding="x" * 2_000, kind="alarm.updated")
    scene.play(20)
    scene.check()
    assert len(slow.events) < 5_000
    slow.read_on()
    wait_until(lambda: len(slow.said) >= len(scene.truth), "the slow client has caught up")
    assert slow.said == scene.truth and slow.faults == []
    assert [event["body"]["n"] for event in slow.events if "n" in event["body"]] == list(range(5_000))
    return f"{len(slow.events)} events over {slow.connections} connections"


def post(scene: Scene, gateway: scenes.Gateway, batch: Batch) -> None:
    headers = {"Authorization": gateway.authorization, "Content-Type": "application/json"}
    while True:
        answer = httpx.post(scene.web.base_url + BATCHES, content=encode(batch), headers=headers, timeout=60)
        if answer.status_code == 200:
            return
        assert answer.status_code in (409, 429, 503), answer.text


def flood(scene: Scene) -> float:
    """10,000 alarms of as many types from the mine, offered in ten seconds; how long they took."""
    said = [raised(1.0 + n, tag="flood", alarm_type=f"flood.{n}", severity="high") for n in range(FLOOD)]
    began_s = time.monotonic()
    for first in range(0, FLOOD, A_BATCH):
        time.sleep(max(began_s + FLOOD_S * first / FLOOD - time.monotonic(), 0))
        post(scene, scene.device, scene.device.batch(Lane.P0, *said[first : first + A_BATCH]))
    return time.monotonic() - began_s


@fault(partner=False)
def flood_of_alarms(scene: Scene) -> str:
    """One organisation raises 10,000 alarms in ten seconds; each critical alarm of another passes within a second."""
    other = personas.aurora()
    gateway = scenes.gateway(other)
    waits_s: list[float] = []
    client = scene.follow(other)
    wait_until(lambda: client.connections, "it follows")
    with ThreadPoolExecutor(1) as threads:
        flooding = threads.submit(flood, scene)
        while not flooding.done():
            waits_s.append(passes_after(scene, gateway, client, len(waits_s)))
            time.sleep(0.3)
        took_s = flooding.result()
    owner = scene.clients[scene.owner.tenant.name]
    wait_until(lambda: sum(e["kind"] == "alarm.raised" for e in owner.events) >= FLOOD, "the flood arrived", 120)
    assert rows(FLOODED, scene.owner.id) == [(FLOOD, FLOOD)]
    types = [e["body"]["type"] for e in owner.events if e["kind"] == "alarm.raised" and e["body"]["tag"] == "flood"]
    assert types == [f"flood.{n}" for n in range(FLOOD)]
    scene.check_chains()
    told = f"{len(waits_s)} critical alarms: median {statistics.median(waits_s):.2f} s, worst {max(waits_s):.2f} s"
    told += f"; the flood took {took_s:.0f} s"
    assert max(waits_s) < PASSES_WITHIN_S, told
    return told


def passes_after(scene: Scene, gateway: scenes.Gateway, client: Client, number: int) -> float:
    """Seconds from the mine's message to the client's receipt."""
    alarm = cleared(number / 100_000, tag="ch4") if number % 2 else raised(2.0 + number, tag="ch4")
    began_s = time.monotonic()
    post(scene, gateway, gateway.batch(Lane.P0, alarm))
    wait_until(lambda: len(client.said) > number, "the critical alarm passes", 60)
    index = next(i for i, event in enumerate(client.events) if event["body"].get("value") == alarm.value)
    return client.arrived_s[index] - began_s


@fault()
def revoke_in_mid_stream(scene: Scene) -> str:
    """The partner's agreement ends while alarms come: nothing that was committed after it reaches the partner."""
    partner = scene.clients[scene.partner.tenant.name]
    scene.begin(60)
    wait_until(lambda: len(partner.said) >= 20, "the stream is running")
    with scene.owner.acting():
        end_agreement(agreement=Agreement.objects.get(pk=scene.agreement.pk), reason="trial")
    ended_s, after = time.monotonic(), len(scene.in_the_cloud)
    time.sleep(1.0)
    written = len(feed(scene.partner.id))  # with what was under way at the end, which nobody is shown
    scene.finish()
    scene.agreement = None
    owner = scene.clients[scene.owner.tenant.name]
    wait_until(lambda: len(owner.said) == len(scene.truth), "the owner has everything")
    assert owner.said == scene.in_the_cloud == scene.truth
    assert partner.said == scene.truth[: len(partner.said)]
    assert 20 <= len(partner.said) <= after < len(scene.truth)
    assert len(feed(scene.partner.id)) == written
    last_s = max(at for at, event in zip(partner.arrived_s, partner.events, strict=True) if "value" in event["body"])
    assert last_s - ended_s < 1.0
    scene.check_chains()
    return f"{len(partner.said)} of {len(scene.truth)} seen, the last {ended_s - last_s:+.2f} s before the end"
