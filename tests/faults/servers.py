"""Valkey, worker and beat, killed and emptied. Alarms don't need them; webhooks and escalation do, and what is owed
stays owed."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis

from tenants.webhooks.actions import make_webhook
from tests.faults import machines
from tests.faults.matrix import fault
from tests.faults.scene import Scene, difference, wait_until
from tests.faults.truth import Said, rows
from tests.integration.webhooks.receiver import Receiver
from tests.live_worker import LiveWorker

OFTEN = {"SWEEP_S": "1", "WEBHOOK_SWEEP_S": "0.5", "ALARM_UNRECEIVED_S": "2"}
# The clients are programs: what they receive is on nobody's screen.
UNSEEN = """
SELECT count(*) FROM edge_bridge_alarm
 WHERE tenant_id = %s AND tag = 'ch4' AND state IN ('UNACK', 'RTNUN') AND escalation_step = 0
"""


class LiveBeat(LiveWorker):
    """The scheduler alone."""

    def start(self) -> None:
        self._spawn("beat", "--schedule", str(self.home / "schedule"), "--pidfile=", "-l", "INFO")


def received(receiver: Receiver) -> list[Said]:
    """A webhook comes at least once; its id says whether it is the same."""
    once = {each.envelope["id"]: each.envelope["data"] for each in receiver.received}
    told = [said for said in once.values() if said.get("kind") in ("alarm.raised", "alarm.cleared")]
    return [(each["kind"].rpartition(".")[2], each["body"]["value"]) for each in told if each["body"]["tag"] == "ch4"]


@contextmanager
def posted_to(scene: Scene) -> Iterator[tuple[Receiver, LiveWorker, LiveBeat]]:
    with Receiver() as receiver, LiveWorker(OFTEN) as worker, LiveBeat(OFTEN) as beat:
        with scene.owner.acting():
            make_webhook(name="Dispatch", url=receiver.url)
        yield receiver, worker, beat


def check(scene: Scene, receiver: Receiver) -> None:
    scene.check()
    wait_until(lambda: len(received(receiver)) >= len(scene.truth), "the webhook was told all")
    assert received(receiver) == scene.truth, difference(received(receiver), scene.truth)


def go_through(scene: Scene, harm: Callable[[LiveWorker, LiveBeat], None]) -> str:
    """Alarms before it, during it and after it."""
    with posted_to(scene) as (receiver, worker, beat):
        scene.play(3)
        check(scene, receiver)
        scene.begin(60, rate=15)
        time.sleep(1.0)
        harm(worker, beat)
        scene.finish()
        check(scene, receiver)
        wait_until(lambda: rows(UNSEEN, scene.owner.id) == [(0,)], "the last alarm, which nobody saw, went on")
        return f"{len(receiver.received)} posts for {len(scene.truth)} alarm events and what else is on the feed"


@fault()
def worker_killed(scene: Scene) -> str:
    """The worker is killed twice while it posts."""

    def harm(worker: LiveWorker, beat: LiveBeat) -> None:
        for _ in range(2):
            worker.kill()
            time.sleep(1.0)
            worker.start()

    return go_through(scene, harm)


@fault()
def beat_killed(scene: Scene) -> str:
    """The scheduler is killed for three seconds."""

    def harm(worker: LiveWorker, beat: LiveBeat) -> None:
        beat.kill()
        time.sleep(3.0)
        beat.start()

    return go_through(scene, harm)


@fault()
def valkey_killed(scene: Scene) -> str:
    """Valkey is killed; alarms reach everybody without it, webhooks when it is back."""

    def harm(worker: LiveWorker, beat: LiveBeat) -> None:
        machines.kill_valkey()
        scene.finish()
        scene.check(within_s=20)
        machines.start_valkey()

    return go_through(scene, harm)


@fault()
def valkey_flushed(scene: Scene) -> str:
    """Everything in Valkey is deleted while the worker has tasks."""

    def harm(worker: LiveWorker, beat: LiveBeat) -> None:
        for _ in range(3):
            with redis.Redis.from_url(os.environ["REDIS_URL"]) as broker:
                broker.flushall()
            time.sleep(0.7)

    return go_through(scene, harm)


@fault()
def valkey_restarted_empty(scene: Scene) -> str:
    """Valkey is killed and comes back with nothing."""

    def harm(worker: LiveWorker, beat: LiveBeat) -> None:
        machines.kill_valkey()
        machines.empty_valkey()
        time.sleep(1.0)
        machines.start_valkey()

    return go_through(scene, harm)
