"""Silence foreseen, of a terminal and of one tag by a rule: by the gateway's clock, and noticed when it looks."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from terminal_sim.faults import FaultKind
from terminal_sim.foreseen import Foreseen, Seen, Span, Watch

LOOKED_FOR_S = 5.0  # a gateway looks for what is silent no more seldom
SILENCING = frozenset({FaultKind.SILENT, FaultKind.COMMUNICATIONS_LOSS, FaultKind.BATTERY})


@dataclass(slots=True)
class Pause:
    """No frame of a terminal came between these real seconds; None: to the end."""

    since_s: float
    until_s: float | None = None


class Silences:
    """Pauses of more than `allowed_s` real seconds between the frames of a terminal."""

    def __init__(self, allowed_s: float) -> None:
        self.pauses: defaultdict[str, list[Pause]] = defaultdict(list)
        self._allowed_s = allowed_s
        self._heard_s: dict[str, float] = {}

    def hear(self, equipment: str, now_s: float) -> None:
        last_s = self._heard_s.get(equipment, now_s)
        if now_s - last_s > self._allowed_s:
            self.pauses[equipment].append(Pause(last_s + self._allowed_s, now_s))
        self._heard_s[equipment] = now_s

    def end(self, now_s: float) -> None:
        for equipment, last_s in self._heard_s.items():
            if now_s - last_s > self._allowed_s:
                self.pauses[equipment].append(Pause(last_s + self._allowed_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence(Foreseen):
    """A tag that has spoken before says nothing for `for_s`; whatever it says next ends it."""

    for_s: float = 60.0

    @property
    def is_by_gateways_clock(self) -> bool:
        return True

    def watch(self) -> Watch:
        return SilenceWatch(self)


class SilenceWatch(Watch):
    """`raised` is when the gateway has looked for it at the latest."""

    def __init__(self, silence: Silence) -> None:
        super().__init__(silence)
        self._allowed = timedelta(seconds=silence.for_s)
        self._last: tuple[float, timedelta] | None = None  # the scenario's second, and the gateway's clock

    def see(self, at_s: float, seen: Seen) -> None:
        self.end(at_s, seen.heard)
        if standing := self.standing:
            standing.left = standing.cleared = seen.heard
            standing.true_to_s = at_s
        self._last = at_s, seen.heard

    def end(self, at_s: float, now: timedelta) -> None:
        if self._last is None or now - self._last[1] < self._allowed:
            return
        last_s, last = self._last
        passed = last + self._allowed
        true_from_s = last_s + (at_s - last_s) * (self._allowed / (now - last))
        self.spans.append(Span(passed, passed + timedelta(seconds=LOOKED_FOR_S), true_from_s))
