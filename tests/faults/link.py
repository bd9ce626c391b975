"""The link between mine and cloud: cut, dead without being cut, losing a third of what passes."""

import time
from datetime import UTC, datetime

from tests.faults.gateway import cut_off
from tests.faults.matrix import fault
from tests.faults.scene import Scene, wait_until
from tests.faults.truth import rows

READINGS = "SELECT count(*), count(DISTINCT measured_at) FROM edge_bridge_reading WHERE tenant_id = %s"
LATE = "SELECT count(*) FROM edge_bridge_alarm WHERE tenant_id = %s AND historical"


@fault()
def link_cut_for_a_second(scene: Scene) -> None:
    """The link is cut for a second, five times, while alarms come."""
    scene.begin(60)
    for _ in range(5):
        time.sleep(0.5)
        scene.link.cut()
        time.sleep(1.0)
        scene.link.restore()
    scene.finish()
    scene.check()


@fault()
def link_cut_for_an_hour(scene: Scene) -> str:
    """The link is cut while an hour of readings comes, as their stamps say; the gateway is killed meanwhile."""
    return cut_for(scene, cycles=30, lows=1, every_s=60)


@fault()
def link_cut_for_three_days(scene: Scene) -> str:
    """The link is cut while three days of readings come, as their stamps say; the gateway is killed meanwhile."""
    return cut_for(scene, cycles=288, lows=29, every_s=30)


def cut_for(scene: Scene, *, cycles: int, lows: int, every_s: float) -> str:
    scene.link.cut()
    scene.begin(cycles, rate=1_000, lows=lows, every_s=every_s, until=datetime.now(UTC))
    time.sleep(1.0)
    cut_off(scene)
    scene.finish()
    assert scene.in_the_cloud == []
    scene.link.restore()
    began_s = time.monotonic()
    wait_until(lambda: len(scene.in_the_cloud) == 2 * cycles, "all alarms are there")
    alarms_s = time.monotonic() - began_s
    scene.check()
    n_readings = cycles * (1 + lows)
    wait_until(lambda: rows(READINGS, scene.owner.id) == [(n_readings, n_readings)], "all readings, each once")
    return f"{2 * cycles} alarm events there after {alarms_s:.1f} s, {n_readings} readings once each"


def go_dead(scene: Scene) -> None:
    scene.play(3)
    scene.check()
    scene.link.hold("request", "answer")
    scene.people.hold("request", "answer")
    scene.play(5)
    time.sleep(6.0)  # longer than the gateway and the clients wait for an answer
    assert len(scene.in_the_cloud) == 6
    scene.link.release()
    scene.people.release()
    scene.check()


@fault()
def link_half_open(scene: Scene) -> None:
    """Nothing passes any more and no connection ends, then what was under way arrives late; batches by HTTP."""
    go_dead(scene)


@fault(uplink="websocket")
def link_half_open_with_sockets(scene: Scene) -> None:
    """The same with batches over the websocket."""
    go_dead(scene)


@fault()
def link_loses_a_third(scene: Scene) -> str:
    """Of all pieces that pass, in either direction, 30 % are lost and break their connection."""
    scene.link.loss_frac = scene.people.loss_frac = 0.3
    scene.play(30)
    scene.check(within_s=120)
    return f"{scene.link.lost} pieces of the gateway lost, {scene.people.lost} of the clients"
