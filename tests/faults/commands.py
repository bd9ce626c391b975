"""A command to a machine, with the gateway killed around its execution: done at most once, and its state is told."""

import time
from collections.abc import Callable

from tests.faults.fan import Wire, comes_about, fan, ordered, running, switch
from tests.faults.gateway import disk_held
from tests.faults.matrix import fault
from tests.faults.scene import Scene, wait_until

SETTINGS = "command_answer_s = 2\n"


def kill_while_it_acts(scene: Scene, hold: str, kill: Callable[[Wire], None], ends: str, reads: float) -> list[str]:
    """The fan is told to stop; what it hears, or what it says, is held until the gateway was killed."""
    with Wire(scene.edge.url) as wire, fan(scene, wire):
        kind = switch(scene)
        wait_until(lambda: running(scene) == 1.0, "the fan runs")
        wire.hold(hold)
        command = ordered(scene, kind, 0.0)
        wait_until(lambda: wire.n_told == 1, "the gateway told the fan")
        time.sleep(0.5)  # the fan obeys
        kill(wire)
        scene.edge.start()
        life = comes_about(scene, command, ends)
        wait_until(lambda: running(scene) == reads, f"running reads {reads:g}")
        time.sleep(2.0)  # nothing more comes
        assert wire.n_told == 1
        scene.check()
    return life


@fault(settings=SETTINGS)
def gateway_killed_between_execution_and_answer(scene: Scene) -> str:
    """The gateway is killed when the machine has obeyed and its answer is on the way; the answer is lost."""

    def kill(wire: Wire) -> None:
        scene.edge.kill()
        wire.cut()
        wire.release()
        wire.restore()

    life = kill_while_it_acts(scene, "request", kill, "done", 0.0)
    assert life[-4:] == ["sent", "delivered", "unknown", "done"]
    return f"told once; {' → '.join(life)}, by what is read back"


@fault(settings=SETTINGS)
def gateway_killed_with_the_answer_unwritten(scene: Scene) -> str:
    """The gateway is killed when it has the machine's answer, and the write that holds it is not on the disk yet."""

    def kill(wire: Wire) -> None:
        with disk_held(scene):
            wire.release()
            time.sleep(1.0)  # the answer is in the gateway, whose thread waits for the disk
            scene.edge.kill()

    life = kill_while_it_acts(scene, "request", kill, "done", 0.0)
    assert life[-4:] == ["sent", "delivered", "unknown", "done"]
    return f"told once; {' → '.join(life)}, by what is read back"


@fault(settings=SETTINGS)
def gateway_killed_before_the_machine_hears(scene: Scene) -> str:
    """The gateway is killed when it has sent the command to the machine, which never gets it."""

    def kill(wire: Wire) -> None:
        wire.cut()
        scene.edge.kill()
        wire.release()
        wire.restore()

    life = kill_while_it_acts(scene, "answer", kill, "failed", 1.0)
    assert life[-4:] == ["sent", "delivered", "unknown", "failed"]
    return f"never told again; {' → '.join(life)}, by what is read back"
