"""Clocks that are wrong: of the terminals, and of the gateway itself."""

import time
from datetime import UTC, datetime, timedelta

from tests.faults.matrix import fault
from tests.faults.scene import Scene, wait_until
from tests.faults.truth import rows

SILENT = "SELECT raised_at, cleared_at FROM edge_bridge_alarm WHERE tenant_id = %s AND alarm_type = 'terminal_silent'"
LEAST_S = 3.0
PATIENCE = f"silent_least_s = {LEAST_S}\nsilent_periods = 2\n"
SKEWED = ("-m", "tests.faults.skewed")


@fault()
def terminal_clock_wrong(scene: Scene) -> None:
    """The terminal's clock is right, an hour fast, right again, an hour slow, and begins at 1970."""
    now, hour = datetime.now(UTC), timedelta(hours=1)
    for end in (now, now + hour, now, now - hour, datetime(1970, 1, 2, tzinfo=UTC), now):
        scene.play(3, every_s=1.0, until=end)
    scene.check()


def put_right_after(scene: Scene, wrong_by: timedelta) -> str:
    """The gateway's clock is wrong by so much from its start, and is put right between two words of a terminal.

    Then the terminal goes mute without closing its connection.
    """
    clock = scene.edge.directory / "clock"
    scene.edge.kill()
    clock.write_text(str(wrong_by.total_seconds()))
    scene.edge.start()
    scene.begin(8, rate=0.8)
    time.sleep(4.0)
    clock.with_suffix(".new").write_text("0")
    clock.with_suffix(".new").replace(clock)
    time.sleep(4.0)
    assert rows(SILENT, scene.owner.id) == [], "a terminal that speaks is said to be silent"
    scene.pause_terminals()
    began_s = time.monotonic()
    wait_until(lambda: rows(SILENT, scene.owner.id), "the silence of the terminal is noticed", LEAST_S + 12)
    noticed_s = time.monotonic() - began_s
    scene.resume_terminals()
    scene.finish()
    scene.check()
    return f"silence noticed {noticed_s:.0f} s after it began"


@fault(settings=PATIENCE, program=SKEWED)
def gateway_clock_begins_at_1970(scene: Scene) -> str:
    """The gateway starts in 1970, as without a battery, and its clock is put right while a terminal speaks."""
    return put_right_after(scene, datetime(1970, 1, 2, tzinfo=UTC) - datetime.now(UTC))


@fault(settings=PATIENCE, program=SKEWED)
def gateway_clock_an_hour_slow(scene: Scene) -> str:
    """The gateway's clock is an hour slow, and is put forward while a terminal speaks."""
    return put_right_after(scene, timedelta(hours=-1))


@fault(settings=PATIENCE, program=SKEWED)
def gateway_clock_jumps_back(scene: Scene) -> str:
    """The gateway's clock is an hour fast, and is put back while a terminal speaks."""
    return put_right_after(scene, timedelta(hours=1))
