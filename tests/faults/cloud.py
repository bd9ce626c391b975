"""The web process and PostgreSQL, killed in the middle of a batch."""

import time

from tests.faults import machines
from tests.faults.matrix import fault
from tests.faults.scene import Scene, wait_until


def kill_between_insert_and_commit(scene: Scene) -> None:
    scene.play(3)
    with scene.commits_held():
        scene.begin(5)
        wait_until(scene.a_commit_waits, "a batch is inserted and waits to commit")
        scene.web.kill()
    scene.web.restart()
    scene.finish()
    scene.check()


def kill_between_commit_and_acknowledgement(scene: Scene) -> None:
    scene.play(3)
    scene.check()
    scene.link.hold("answer")
    scene.begin(5)
    wait_until(lambda: len(scene.in_the_cloud) > 6, "a batch is committed")
    scene.web.kill()
    scene.link.release()
    scene.web.restart()
    scene.finish()
    scene.check()


@fault()
def web_killed_between_insert_and_commit(scene: Scene) -> None:
    """The web process is killed with a batch inserted and not committed; batches by HTTP."""
    kill_between_insert_and_commit(scene)


@fault()
def web_killed_between_commit_and_acknowledgement(scene: Scene) -> None:
    """The web process is killed with a batch committed and not acknowledged; batches by HTTP."""
    kill_between_commit_and_acknowledgement(scene)


@fault(uplink="websocket")
def ingest_killed_between_insert_and_commit(scene: Scene) -> None:
    """The same with batches over the websocket."""
    kill_between_insert_and_commit(scene)


@fault(uplink="websocket")
def ingest_killed_between_commit_and_acknowledgement(scene: Scene) -> None:
    """The same with batches over the websocket."""
    kill_between_commit_and_acknowledgement(scene)


@fault()
def web_killed_again_and_again(scene: Scene) -> str:
    """The web process is killed six times while alarms come."""
    scene.begin(100, rate=8)
    for _ in range(6):
        time.sleep(1.0)
        scene.web.kill()
        scene.web.restart()
    scene.finish()
    scene.check()
    connections = {who: client.connections for who, client in scene.clients.items()}
    return f"{len(scene.truth)} alarm events; connections made: {connections}"


@fault()
def postgres_killed(scene: Scene) -> None:
    """PostgreSQL is killed with all its processes, three times, while alarms come."""
    scene.begin(60, rate=6)
    for _ in range(3):
        time.sleep(2.0)
        machines.kill_postgres()
        time.sleep(1.0)
        machines.start_postgres()
    scene.finish()
    scene.check()


@fault()
def postgres_killed_before_commit(scene: Scene) -> None:
    """PostgreSQL is killed with a batch inserted and not committed."""
    scene.play(3)
    with scene.commits_held():
        scene.begin(5)
        wait_until(scene.a_commit_waits, "a batch is inserted and waits to commit")
        machines.kill_postgres()
    machines.start_postgres()
    scene.finish()
    scene.check()


@fault()
def postgres_disk_full(scene: Scene) -> str:
    """PostgreSQL can't write its log any more and stops; later there is room again."""
    scene.play(3)
    scene.check()
    machines.fill_disk_of_postgres()
    scene.begin(20)
    wait_until(machines.postgres_is_gone, "PostgreSQL stopped for want of disk")
    machines.start_postgres()
    scene.finish()
    scene.check()
    return "PostgreSQL ended with PANIC and came back"
