"""What every detector is: parameters checked at birth, a small state, one step a sample.

The score is ratio / (1 + ratio), where ratio is what was measured as a share of the alarm limit: 0.5 is the limit.
States are plain tuples of numbers, so a state that was not committed is simply dropped, and it goes through text
unchanged. Nothing here looks ahead or keeps more than a bounded number of values.
"""

import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Self

import orjson

from edge_bridge.protocol import AlarmEvent
from edge_bridge.rules.thresholds import RuleError, is_number

State = tuple[Any, ...]
RATIO_MOST = 1e6
VALUE_MOST = 1e100  # a greater one counts as this, so that no square of it is infinite
MEMORY_VERSION = 3  # counted up when any detector's memory changes its shape
VERSIONS_READ = (1, 2, 3)  # see `as_now_kept`


class Sample(NamedTuple):
    """Times in seconds since 1970. `source` counts the rule's inputs from 0; `received_s` is the gateway's clock."""

    at_s: float
    value: float
    is_sure: bool = True
    source: int = 0
    received_s: float | None = None

    @property
    def heard_s(self) -> float:
        """By the gateway's clock; a recording that does not say was heard as it was measured."""
        return self.at_s if self.received_s is None else self.received_s


class Finding(NamedTuple):
    """An alarm raised or cleared: what was judged, the limit it was judged by, and why in words."""

    event: AlarmEvent
    value: float
    limit: float
    words: str


Judged = tuple[State, float, Finding | None]


@dataclass(frozen=True, kw_only=True)
class Detector(ABC):
    """Durations in seconds. RuleError names the parameter that cannot work."""

    purpose: ClassVar[str]
    claims_invariance: ClassVar[bool] = False  # a series times a, plus b, gets the same scores
    words: ClassVar[tuple[str, ...]] = ()  # parameters that are said and not judged by
    is_by_gateways_clock: ClassVar[bool] = False  # whatever stamps say, its alarms are of when they were heard

    def __post_init__(self) -> None:
        for each in fields(self):
            _check_type(each, getattr(self, each.name))
        self.check()

    def check(self) -> None:  # noqa: B027 (many need no check of their own)
        """Raises RuleError where parameters cannot work."""

    @property
    def n_inputs(self) -> int:
        return 1

    @abstractmethod
    def begin(self) -> State:
        """The state before the first sample; it never changes its shape but for tuples that fill up."""

    @abstractmethod
    def step(self, state: State, sample: Sample) -> Judged:
        """The state after `sample`, its score in 0..1, and the alarm that it raises or clears."""

    @abstractmethod
    def is_raised(self, state: State) -> bool:
        """Whether its alarm stands."""

    def tick(self, state: State, now_s: float) -> Judged:
        """What the passing of time alone changes; called now and then, with the gateway's clock."""
        return state, 0.0, None

    def clock_was_put(self, state: State, by_s: float) -> State:
        """The state as if the gateway's clock had been so all along."""
        return state

    def begun_again(self, state: State, now_s: float) -> State:
        """The state where the gateway did not listen until now; what stands goes on."""
        return state

    def as_now_kept(self, state: State) -> State:
        """A state that an earlier version kept, in the shape that it has now."""
        return state

    @classmethod
    def made(cls, settings: Mapping[str, Any]) -> Self:
        """From settings as TOML or JSON give them; RuleError names the setting."""
        known = {each.name: each for each in fields(cls)}
        unknown = next((name for name in settings if name not in known), None)
        if unknown is not None:
            raise RuleError(unknown, f"is not known; known are {', '.join(sorted(known))}")
        missing = next((name for name, each in known.items() if name not in settings and each.default is MISSING), None)
        if missing is not None:
            raise RuleError(missing, "is needed")
        return cls(**{name: _as_float(known[name], value) for name, value in settings.items()})


@dataclass(frozen=True, kw_only=True)
class Measuring(Detector):
    """A detector whose judgement is one ratio to a limit.

    The alarm is raised at ratio 1, stays while it is at least `clear_frac`, and for `hold_s` after that. An uncertain
    sample may raise it but not clear it.
    """

    clear_frac: float = 0.8
    hold_s: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within("clear_frac", self.clear_frac, 0, 1)
        not_negative(self, "hold_s")

    @abstractmethod
    def empty(self) -> State:
        """The memory before the first sample."""

    @abstractmethod
    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        """The memory after the sample, and its ratio to the limit (0 or more)."""

    @abstractmethod
    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        """The limit, in the unit of what was judged, and why the alarm changes."""

    def may_clear(self, memory: State, now_s: float) -> bool:
        """Whether enough is known at `now_s` of the gateway's clock to clear an alarm that stands."""
        return True

    def begin(self) -> State:
        return False, 0.0, self.empty()

    def is_raised(self, state: State) -> bool:
        return bool(state[0])

    def step(self, state: State, sample: Sample) -> Judged:
        if abs(sample.value) > VALUE_MOST:
            sample = sample._replace(value=math.copysign(VALUE_MOST, sample.value))
        memory, ratio = self.measure(state[2], sample)
        return self.judged(state, memory, ratio, sample)

    def judged(self, state: State, memory: State, ratio: float, sample: Sample) -> Judged:
        was_raised, over_s, _ = state
        ratio = min(ratio, RATIO_MOST)
        if ratio >= (self.clear_frac if was_raised else 1.0):
            is_raised, over_s = True, sample.at_s
        else:
            is_sure = was_raised and sample.is_sure and self.may_clear(memory, sample.heard_s)
            is_raised = was_raised and (not is_sure or 0 <= sample.at_s - over_s < self.hold_s)
        after = (is_raised, over_s, memory)
        finding = None if is_raised == was_raised else self._finding(is_raised, memory, sample)
        return after, ratio / (1 + ratio), finding

    def _finding(self, is_raised: bool, memory: State, sample: Sample) -> Finding:
        event = AlarmEvent.RAISED if is_raised else AlarmEvent.CLEARED
        return Finding(event, sample.value, *self.explain(memory, sample))


def state_to_text(detector: Detector, state: State) -> str:
    return orjson.dumps([_mark(detector), state]).decode()


def state_from_text(detector: Detector, text: str) -> State:
    """The state kept as `text`; a new one if another kind of detector kept it, or one that judges otherwise."""
    kept = orjson.loads(text)
    marks = (_mark(detector, version) for version in VERSIONS_READ)
    if not isinstance(kept, list) or not kept or kept[0] not in marks:
        return detector.begin()
    return detector.as_now_kept(_tuples(kept[1]))


@lru_cache(maxsize=1024)
def _mark(detector: Detector, version: int = MEMORY_VERSION) -> str:
    if version > 2:
        detector = replace(detector, **dict.fromkeys(detector.words, ""))
    return f"{version}.{zlib.crc32(repr(detector).encode()):x}"


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


# Checks of parameters ------------------------------------------------------------------------------------------------


def positive(detector: Detector, *names: str) -> None:
    for name in names:
        if not getattr(detector, name) > 0:
            raise RuleError(name, "must be a positive number")


def not_negative(detector: Detector, *names: str) -> None:
    for name in names:
        if not getattr(detector, name) >= 0:
            raise RuleError(name, "must be zero or a positive number")


def within(name: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:
        raise RuleError(name, f"must be from {lowest:g} to {highest:g}")


def _as_float(each: Field[Any], value: Any) -> Any:
    takes_float = each.type in (float, float | None)
    return float(value) if takes_float and is_number(value) else value


_IN_WORDS: Mapping[Any, str] = {int: "a whole number", str: "text", bool: "true or false"}


def _check_type(each: Field[Any], value: Any) -> None:
    if value is None and each.type == float | None:
        return
    if each.type in (float, float | None):
        if not is_number(value):
            raise RuleError(each.name, "must be a number")
    elif type(value) is not each.type:
        raise RuleError(each.name, f"must be {_IN_WORDS[each.type]}")
