"""The gateway, killed at each point of an alarm's way, and with a disk that is full."""

import random
import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tests.faults.matrix import fault
from tests.faults.proxy import SEED
from tests.faults.scene import Scene, wait_until

SMALL_FILE_BYTES = 40_000


@contextmanager
def disk_held(scene: Scene) -> Iterator[None]:
    """The gateway's next write waits, as on a disk that is stuck."""
    path = scene.edge.directory / "data" / "journal.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as journal:
        journal.execute("BEGIN IMMEDIATE")
        yield
        journal.execute("ROLLBACK")


def cut_off(scene: Scene) -> None:
    scene.edge.kill()
    scene.edge.start()


@fault()
def gateway_killed_before_fsync(scene: Scene) -> None:
    """The gateway is killed while the write that holds an alarm is not on the disk yet."""
    scene.play(3)
    with disk_held(scene):
        scene.begin(5)
        time.sleep(1.5)  # what is sent now reaches the gateway, and its thread waits for the disk
        scene.edge.kill()
    scene.edge.start()
    scene.finish()
    scene.check()


@fault(speak="mqtt")
def gateway_killed_before_fsync_over_mqtt(scene: Scene) -> None:
    """The same with a terminal that speaks MQTT: what it published and nobody answered comes again."""
    gateway_killed_before_fsync(scene)


@fault()
def gateway_killed_after_fsync(scene: Scene) -> None:
    """The gateway is killed with alarms that are journalled and not sent, since the link is cut."""
    scene.link.cut()
    scene.play(5)
    cut_off(scene)
    scene.link.restore()
    scene.check()


@fault()
def gateway_killed_after_send(scene: Scene) -> None:
    """The gateway is killed when the cloud has committed and its acknowledgement is on the way."""
    scene.play(3)
    wait_until(lambda: len(scene.in_the_cloud) == 6, "the first alarms are there")
    scene.link.hold("answer")
    scene.begin(4)
    wait_until(lambda: len(scene.in_the_cloud) > 6, "an alarm is committed")
    scene.edge.kill()
    scene.link.release()
    scene.edge.start()
    scene.finish()
    scene.check()


@fault()
def gateway_killed_after_acknowledgement(scene: Scene) -> None:
    """The gateway is killed when it has the acknowledgement and has not noted it."""
    scene.link.hold("answer")
    scene.play(1)
    wait_until(lambda: scene.in_the_cloud == scene.truth[:1] or len(scene.in_the_cloud) == 2, "an alarm is committed")
    with disk_held(scene):
        scene.link.release()
        time.sleep(1.0)  # the acknowledgement is in the gateway, whose thread waits for the disk
        scene.edge.kill()
    scene.edge.start()
    scene.play(2)
    scene.check()


@fault()
def gateway_killed_again_and_again(scene: Scene) -> str:
    """The gateway is killed twelve times at random moments, while its terminal sends."""
    dice = random.Random(SEED)
    scene.begin(60, rate=10)
    for _ in range(12):
        time.sleep(dice.uniform(0.05, 0.9))
        cut_off(scene)
    scene.finish()
    scene.check()
    return f"{len(scene.truth)} alarm events over 12 kills"


@fault(speak="mqtt")
def gateway_killed_again_and_again_over_mqtt(scene: Scene) -> str:
    """The same with a terminal that speaks MQTT."""
    return gateway_killed_again_and_again(scene)


@fault()
def gateway_disk_full(scene: Scene) -> str:
    """No file of the gateway can grow any more, with the link cut; later there is room again."""
    scene.play(2)
    scene.link.cut()
    pid = scene.edge.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (SMALL_FILE_BYTES, resource.RLIM_INFINITY))
    scene.begin(100, rate=200, lows=20)
    wait_until(lambda: "cannot be written" in scene.edge.log, "the gateway says that its disk is full")
    assert scene.edge.process.poll() is None
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    scene.link.restore()
    scene.finish()
    scene.check()
    return f"{scene.edge.log.count('frames are not taken')} times refused for now"
