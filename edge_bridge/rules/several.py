"""What several sensors say together: twins, votes, fusion with a conflict list, and gas told from a bad sensor.

Inputs are counted from 0 as the rule lists them. An input that has not spoken for `fresh_s`, or only with uncertain
quality, has no voice; words name who does not agree.

Clocks of terminals differ, so a voice is as old as it is by the gateway's clock since it was heard. Stamps tell only
whether a sample was held on its way: it is older than the last of its input, or took `fresh_s` longer than that. Such a
sample has no voice, because what one saw an hour ago must not be added to what others see now. But a clock that was put
back looks alike at first; it gives itself away by not catching up, and after `fresh_s` its samples count. So a wrong
clock costs a voice for that long, and for one more sample where they come more seldom. Meanwhile its input is awaited,
as are all when the gateway begins to listen: nobody decides alone, and no alarm is cleared, in the place of those who
may still speak. Votes and fusion are safe beyond that: who fell silent, or became uncertain, never clears what it
raised (`Majority`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from edge_bridge.rules.control import FEWEST, NOTHING_YET, learnt, sigmas
from edge_bridge.rules.detector import Judged, Measuring, Sample, State, not_negative, positive, within
from edge_bridge.rules.thresholds import RuleError

INPUTS_MOST = 16

Voices = list[tuple[int, float]]  # input and value of those that have a voice

# Of an input: when it was heard last, its value (None: it was uncertain), its stamp, and of the samples since then that
# were held: from when on they come, the stamp of the first, when the newest came; and its last value that was sure. A
# clock not heard yet is right.
NEVER = (0.0, None, 0.0, (), None)


@dataclass(frozen=True, kw_only=True)
class Several(Measuring):
    """`n` inputs; a voice counts for `fresh_s`. The memory begins with when listening began, and what each said."""

    is_by_gateways_clock: ClassVar[bool] = True

    n: int = 3
    fresh_s: float = 60.0

    def check(self) -> None:
        within("n", self.n, 2, INPUTS_MOST)
        positive(self, "fresh_s")

    @property
    def n_inputs(self) -> int:
        return self.n

    def empty(self) -> State:
        return (), *(NEVER,) * self.n

    def heard(self, memory: State, sample: Sample) -> tuple[State, bool]:
        """The memory after the sample, and whether it counts."""
        begun, place = memory[0] or (sample.heard_s,), 1 + sample.source
        said, counts = self._said(memory[place], sample)
        return (begun, *memory[1:place], said, *memory[place + 1 :]), counts

    def _said(self, said: State, sample: Sample) -> tuple[State, bool]:
        last_s, value, stamp_s, held, sure_value = said
        now_s = sample.heard_s
        is_held = sample.at_s < stamp_s or now_s - sample.at_s - (last_s - stamp_s) > self.fresh_s
        held = self._held(held, sample) if is_held else ()
        if held and abs(now_s - held[0]) < self.fresh_s:
            return (last_s, value, stamp_s, held, sure_value), False
        value = sample.value if sample.is_sure else None
        return (now_s, value, sample.at_s, held, sure_value if value is None else value), True

    def _held(self, held: State, sample: Sample) -> State:
        """With one more; they count from this one where it caught up, or came out of another silence.

        A stamp that has not moved since the first comes from a clock that stands still, however long the silence was.
        """
        now_s = sample.heard_s
        if held:
            since_s, first_at_s, newest_s = held
            grown_s = now_s - sample.at_s - (since_s - first_at_s)
            catches_up = grown_s < -self.fresh_s / 2
            was_silent = abs(now_s - newest_s) > self.fresh_s and sample.at_s > first_at_s
            if not catches_up and not (was_silent and grown_s > self.fresh_s / 2):
                return since_s, first_at_s, now_s
        return now_s, sample.at_s, now_s

    def voices(self, memory: State, now_s: float) -> Voices:
        inputs = enumerate(memory[1 : 1 + self.n])
        return [(i, said[1]) for i, said in inputs if said[1] is not None and abs(now_s - said[0]) <= self.fresh_s]

    def awaited(self, memory: State, voices: Voices, now_s: float) -> int:
        """How many have no voice and may have one soon: who had no time to speak yet, or whose samples are held."""
        n_mute = self.n - len(voices)
        if n_mute == 0 or abs(now_s - memory[0][0]) <= self.fresh_s:
            return n_mute
        mute = {*range(self.n)} - {i for i, _ in voices}
        return sum(self._is_held(memory[1 + i], now_s) for i in mute)

    def _is_held(self, said: State, now_s: float) -> bool:
        heard_s, _, _, held, _ = said
        return bool(held) and held[2] != heard_s and abs(now_s - held[2]) <= self.fresh_s

    def wanted(self, memory: State, voices: Voices, now_s: float, n: int) -> int:
        """`n` voices, or all that are left; who is awaited counts as left."""
        return min(n, len(voices) + self.awaited(memory, voices, now_s))

    def judged(self, state: State, memory: State, ratio: float, sample: Sample) -> Judged:
        return super().judged(state, memory, ratio, sample._replace(at_s=sample.heard_s))

    def may_clear(self, memory: State, now_s: float) -> bool:
        return not self.awaited(memory, self.voices(memory, now_s), now_s)

    def clock_was_put(self, state: State, by_s: float) -> State:
        is_raised, over_s, memory = state
        begun, said = tuple(at_s + by_s for at_s in memory[0]), (_put(each, by_s) for each in memory[1 : 1 + self.n])
        return is_raised, over_s + by_s, (begun, *said, *memory[1 + self.n :])

    def begun_again(self, state: State, now_s: float) -> State:
        is_raised, over_s, memory = state
        return is_raised, over_s, ((now_s,) if memory[0] else (), *memory[1:])

    def as_now_kept(self, state: State) -> State:
        is_raised, over_s, memory = state
        said = (_as_now_said(each) for each in memory[1 : 1 + self.n])
        return is_raised, over_s, (memory[0], *said, *memory[1 + self.n :])


@dataclass(frozen=True, kw_only=True)
class Twin(Several):
    """Two sensors of one place differ by more than `tolerance`, smoothed over `over_s`."""

    purpose: ClassVar[str] = "two sensors of one place differ: one of them is wrong, frozen or was moved"

    n: int = 2
    tolerance: float
    over_s: float = 60.0

    def check(self) -> None:
        super().check()
        within("n", self.n, 2, 2)
        positive(self, "tolerance", "over_s")

    def empty(self) -> State:
        return *super().empty(), (0.0, 0.0)

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        memory, counts = self.heard(memory, sample)
        now_s, (at_s, difference) = sample.heard_s, memory[3]
        voices = self.voices(memory, now_s)
        if counts and len(voices) == 2:
            share = -math.expm1(-max(now_s - at_s, 0.0) / self.over_s)
            difference += share * (voices[0][1] - voices[1][1] - difference)
            at_s = now_s
        return (*memory[:3], (at_s, difference)), abs(difference) / self.tolerance

    def may_clear(self, memory: State, now_s: float) -> bool:
        compared_s = memory[3][0] - memory[0][0]
        return compared_s >= self.over_s and super().may_clear(memory, now_s)

    def clock_was_put(self, state: State, by_s: float) -> State:
        is_raised, over_s, (*others, (at_s, difference)) = super().clock_was_put(state, by_s)
        return is_raised, over_s, (*others, (at_s + by_s, difference))

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        return self.tolerance, f"input 0 is {memory[3][1]:+.3g} from input 1; {self.tolerance:g} is allowed"


class Majority(Several):
    """Cleared by words of most of all inputs, and by a voice of each whose last sure value was at or beyond `limit`.

    Words are voices, and what was said since the condition was last met: who speaks seldom says it in turn.
    """

    limit: float  # these become fields where they are said again
    is_high: bool

    def is_beyond(self, value: float) -> bool:
        return value >= self.limit if self.is_high else value <= self.limit

    @property
    def most(self) -> int:
        return self.n // 2 + 1

    def judged(self, state: State, memory: State, ratio: float, sample: Sample) -> Judged:
        words = self._words(memory, sample.heard_s, since_s=state[1])
        return super().judged(state, memory, ratio, sample._replace(is_sure=sample.is_sure and self.is_most(words)))

    def _words(self, memory: State, now_s: float, since_s: float) -> Voices:
        speak = {i for i, _ in self.voices(memory, now_s)}
        inputs = enumerate(memory[1 : 1 + self.n])
        return [(i, said[1]) for i, said in inputs if i in speak or (said[1] is not None and said[0] > since_s)]

    def is_most(self, words: Voices) -> bool:
        return len(words) >= self.most

    def may_clear(self, memory: State, now_s: float) -> bool:
        speak = {i for i, _ in self.voices(memory, now_s)}
        mute = (memory[1 + i][4] for i in range(self.n) if i not in speak)
        is_over = any(value is not None and self.is_beyond(value) for value in mute)
        return not is_over and super().may_clear(memory, now_s)


@dataclass(frozen=True, kw_only=True)
class Vote(Majority):
    """At least `k` of the inputs are at or beyond `limit`.

    When so many have fallen silent that fewer than `k` are left, those left must all say so: silence never mutes. Nor
    does it clear.
    """

    purpose: ClassVar[str] = "k of n sensors are at or beyond `limit`, so that one bad sensor neither raises nor mutes"

    limit: float
    k: int = 2
    is_high: bool = True

    def check(self) -> None:
        super().check()
        within("k", self.k, 1, self.n)

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        memory, _ = self.heard(memory, sample)
        voices = self.voices(memory, sample.heard_s)
        wanted = self.wanted(memory, voices, sample.heard_s, self.k)
        return memory, len(self._ayes(voices)) / wanted if wanted else 0.0

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        voices = self.voices(memory, sample.heard_s)
        ayes = self._ayes(voices)
        against = [voice for voice in voices if voice not in ayes]
        side = "at or above" if self.is_high else "at or below"
        return self.limit, f"{len(ayes)} of {len(voices)} {side} {self.limit:g}{_conflicts(against if ayes else [])}"

    def _ayes(self, voices: Voices) -> Voices:
        return [voice for voice in voices if self.is_beyond(voice[1])]


@dataclass(frozen=True, kw_only=True)
class Fusion(Majority):
    """The one value that the inputs support, against `limit`, with the share of voices that support it.

    Voices further than 3 `sigma` (of one sensor) from the median are in conflict and left out of the mean. An alarm is
    cleared by a value that most of all inputs support: that they disagree clears nothing.
    """

    purpose: ClassVar[str] = "one value out of several sensors passes `limit`; says how many agree and who does not"

    limit: float
    sigma: float
    is_high: bool = True

    def check(self) -> None:
        super().check()
        positive(self, "sigma")
        if self.limit == 0:
            raise RuleError("limit", "must not be zero; the score is value / limit")

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        memory, _ = self.heard(memory, sample)
        voices = self.voices(memory, sample.heard_s)
        fused, n_agreed, _ = self.fused(voices)
        majority = self.wanted(memory, voices, sample.heard_s, self.most)
        if not voices or n_agreed < majority:
            return memory, 0.0
        excess = (fused - self.limit) / abs(self.limit)
        return memory, max(1 + (excess if self.is_high else -excess), 0.0)

    def is_most(self, words: Voices) -> bool:
        _, n_agreed, _ = self.fused(words)
        return n_agreed >= self.most

    def fused(self, voices: Voices) -> tuple[float, int, Voices]:
        """Value (NaN without a voice), how many voices agree on it, and those in conflict."""
        if not voices:
            return math.nan, 0, []
        middle = _median([value for _, value in voices])
        against = [voice for voice in voices if abs(voice[1] - middle) > 3 * self.sigma]
        agreed = [value for _, value in voices if abs(value - middle) <= 3 * self.sigma]
        value = sum(agreed) / len(agreed) if agreed else middle
        return value, len(agreed), against

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        value, n_agreed, against = self.fused(self.voices(memory, sample.heard_s))
        return self.limit, f"together {value:.3g}, confidence {n_agreed / self.n:.0%}{_conflicts(against)}"


@dataclass(frozen=True, kw_only=True)
class Neighbours(Several):
    """Input 0 departs from its own usual by `width_sigmas`: with its neighbours it is gas, alone a bad sensor.

    Each input has its own baseline. A neighbour supports if it departs to the same side by `support_sigmas`.
    """

    purpose: ClassVar[str] = "input 0 departs; with its neighbours it is gas, alone a bad sensor"
    claims_invariance: ClassVar[bool] = True

    width_sigmas: float = 5.0
    support_sigmas: float = 2.0
    memory_n: int = 1000
    smooth_n: int = 5

    def check(self) -> None:
        super().check()
        positive(self, "width_sigmas", "support_sigmas")
        not_negative(self, "smooth_n")
        within("memory_n", self.memory_n, 30, 1_000_000)

    def empty(self) -> State:
        return *super().empty(), *((NOTHING_YET, 0.0),) * self.n

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        memory, counts = self.heard(memory, sample)
        if counts and sample.is_sure:
            place = 1 + self.n + sample.source
            baseline, z = memory[place]
            z += (sigmas(baseline, sample.value) - z) / max(self.smooth_n, 1)
            usual = (learnt(baseline, sample.value, self.memory_n), z)
            memory = (*memory[:place], usual, *memory[place + 1 :])
        return memory, abs(memory[1 + self.n][1]) / self.width_sigmas

    def may_clear(self, memory: State, now_s: float) -> bool:
        n_learnt, *_ = memory[1 + self.n][0]
        return n_learnt >= FEWEST and super().may_clear(memory, now_s)

    def as_now_kept(self, state: State) -> State:
        is_raised, over_s, memory = state
        if len(memory) > self.n:
            return super().as_now_kept(state)
        said = (_as_now_said((at_s, z)) for _, z, at_s in memory)
        return is_raised, over_s, ((), *said, *((baseline, z) for baseline, z, _ in memory))

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        departs, *z_of = (z for _, z in memory[1 + self.n :])
        speak = [i for i, _ in self.voices(memory, sample.heard_s) if i > 0]
        others = [math.copysign(1.0, departs) * z_of[i - 1] for i in speak]
        support = sum(z >= self.support_sigmas for z in others)
        verdict = "gas" if support else "a bad sensor" if others else "gas or a bad sensor: no neighbour speaks"
        words = f"departs by {departs:+.1f} spreads, {support} of {len(others)} neighbours with it: {verdict}"
        return self.width_sigmas, words


def _put(said: State, by_s: float) -> State:
    heard_s, value, stamp_s, held, sure_value = said
    if held:
        since_s, first_at_s, newest_s = held
        held = since_s + by_s, first_at_s, newest_s + by_s
    return heard_s + by_s if stamp_s else heard_s, value, stamp_s, held, sure_value


def _as_now_said(said: State) -> State:
    """Before, the last sure value was left out, and what is held begins anew; before that, it was stamp and value."""
    if not said or len(said) == len(NEVER):
        return said or NEVER
    heard_s, value, *more = said
    return heard_s, value, more[0] if more else heard_s, (), value


def _median(values: Sequence[float]) -> float:
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _conflicts(against: Voices) -> str:
    listed = ", ".join(f"input {i} shows {value:.3g}" for i, value in against)
    return f"; in conflict: {listed}" if listed else ""
