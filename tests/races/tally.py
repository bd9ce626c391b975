"""How many rounds of each race were run and what came of them.

With `RACE_LOG=file` it is kept there, and a run that was stopped goes on from where it was.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.races.crowd import CLIENTS, OBJECTS

ROUNDS = int(os.environ.get("RACE_ROUNDS", "5"))
PROGRESS_EVERY = 50
COLUMNS = ("rounds", "attempts", "won", "refused", "s")
tallies: list["Tally"] = []


class Tally:
    """Of one race: rounds, attempts, those that won and those that were refused.

    A round whose assertion fails is not counted, and ends the race.
    """

    def __init__(self, race: str) -> None:
        self.key = f"{race}, {CLIENTS} clients" + (f" for {OBJECTS} objects" if OBJECTS > 1 else "")
        self.figures = Counter(dict.fromkeys(COLUMNS, 0) | _kept().get(self.key, {}))
        tallies.append(self)

    def goes(self) -> Iterator[int]:
        """Those that are still to be run, each of a round for every object."""
        while (rounds := self.figures["rounds"]) < ROUNDS:
            begun = time.perf_counter()
            yield rounds // OBJECTS
            self.count(rounds=OBJECTS, s=time.perf_counter() - begun)
            if self.figures["rounds"] // PROGRESS_EVERY > rounds // PROGRESS_EVERY:
                self._keep()
                print(f"\n{self}", flush=True)
        self._keep()

    def count(self, **figures: float) -> None:
        self.figures.update(figures)

    def __str__(self) -> str:
        said = ", ".join(f"{name} {self.figures[name]:.0f}" for name in COLUMNS)
        return f"{self.key}: {said} ({self.figures['s'] / max(1, self.figures['rounds']):.2f} a round)"

    def _keep(self) -> None:
        if path := _path():
            path.write_text(json.dumps(_kept() | {self.key: self.figures}, indent=1))


def _path() -> Path | None:
    return Path(os.environ["RACE_LOG"]) if os.environ.get("RACE_LOG") else None


def _kept() -> dict[str, dict[str, float]]:
    path = _path()
    return json.loads(path.read_text()) if path and path.exists() else {}
