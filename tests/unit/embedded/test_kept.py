"""How long the supervisor waits before it starts something again."""

from __future__ import annotations

import subprocess
import sys

from cloudmining.embedded.home import StartError
from cloudmining.embedded.processes import Running
from cloudmining.embedded.supervisor import FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_AFTER_S, Kept


def ended(code: int = 1) -> Running:
    process = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({code})"], start_new_session=True)
    process.wait()
    return Running(name="worker", pid=process.pid, marker="", process=process)


def test_pause_doubles_up_to_its_limit_while_starting_fails() -> None:
    def refuse() -> Running:
        raise StartError("the disk is full")

    said: list[str] = []
    kept = Kept("worker", refuse, said.append)
    for now_s in range(0, 800, 100):
        kept.tick(now_s)
    pauses_s = [float(line.removesuffix(" s").rsplit("in ", 1)[1]) for line in said]
    assert pauses_s == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    assert said[0] == "worker: the disk is full; trying again in 0.2 s"
    kept.tick(700 + LONGEST_PAUSE_S - 1)
    assert len(said) == 8, "nothing is tried during the pause"


def test_part_that_ran_steadily_is_started_again_after_the_first_pause() -> None:
    said: list[str] = []
    kept = Kept("worker", ended, said.append, running=ended(7), pause_s=LONGEST_PAUSE_S, started_s=0.0)
    kept.tick(STEADY_AFTER_S + 1)
    assert said == [f"worker ended with exit code 7; starting it again in {FIRST_PAUSE_S:g} s"]
    assert kept.running is None
    kept.tick(STEADY_AFTER_S + 1 + FIRST_PAUSE_S)
    assert kept.running is not None


def test_part_that_dies_young_waits_longer_each_time() -> None:
    said: list[str] = []
    kept = Kept("worker", ended, said.append, running=ended(), started_s=0.0)
    for now_s in (1.0, 2.0, 3.0, 4.0, 5.0):
        kept.tick(now_s)
    assert [line.rsplit("in ", 1)[1] for line in said] == ["0.2 s", "0.4 s", "0.8 s"]
