"""What several sensors say together: twins, votes, fusion with a conflict list, and gas told from a bad sensor.

Inputs are counted from 0 as the rule lists them. An input that has not spoken for `fresh_s`, or only with uncertain
quality, has no voice; words name who does not agree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from edge_bridge.rules.control import NOTHING_YET, learnt, sigmas
from edge_bridge.rules.detector import Measuring, Sample, State, not_negative, positive, within
from edge_bridge.rules.thresholds import RuleError

INPUTS_MOST = 16

Voices = list[tuple[int, float]]  # input and value of those that have a voice


@dataclass(frozen=True, kw_only=True)
class Several(Measuring):
    """`n` inputs; a voice counts for `fresh_s`."""

    n: int = 3
    fresh_s: float = 60.0

    def check(self) -> None:
        within("n", self.n, 2, INPUTS_MOST)
        positive(self, "fresh_s")

    @property
    def n_inputs(self) -> int:
        return self.n

    def empty(self) -> State:
        return ((),) * (1 + self.n)  # when the first sample came, then what each input said last

    def heard(self, memory: State, sample: Sample) -> State:
        begun, said = memory[0] or (sample.at_s,), (sample.at_s, sample.value) if sample.is_sure else ()
        return (begun, *memory[1 : 1 + sample.source], said, *memory[2 + sample.source :])

    def voices(self, memory: State, now_s: float) -> Voices:
        return [(i, said[1]) for i, said in enumerate(memory[1:]) if said and abs(now_s - said[0]) <= self.fresh_s]

    def wanted(self, memory: State, voices: Voices, now_s: float, n: int) -> int:
        """`n` voices, or all that are left; who has not had the time to speak yet counts as left."""
        return n if abs(now_s - memory[0][0]) <= self.fresh_s else min(n, len(voices))


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
        return (), (), (), (0.0, 0.0)

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        said, (at_s, difference) = self.heard(memory[:3], sample), memory[3]
        voices = self.voices(said, sample.at_s)
        if len(voices) == 2:
            share = -math.expm1(-max(sample.at_s - at_s, 0.0) / self.over_s)
            difference += share * (voices[0][1] - voices[1][1] - difference)
            at_s = max(at_s, sample.at_s)
        return (*said, (at_s, difference)), abs(difference) / self.tolerance

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        return self.tolerance, f"input 0 is {memory[3][1]:+.3g} from input 1; {self.tolerance:g} is allowed"


@dataclass(frozen=True, kw_only=True)
class Vote(Several):
    """At least `k` of the inputs are at or beyond `limit`.

    When so many have fallen silent that fewer than `k` are left, those left must all say so: silence never mutes.
    """

    purpose: ClassVar[str] = "k of n sensors are at or beyond `limit`, so that one bad sensor neither raises nor mutes"

    limit: float
    k: int = 2
    is_high: bool = True

    def check(self) -> None:
        super().check()
        within("k", self.k, 1, self.n)

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        memory = self.heard(memory, sample)
        voices = self.voices(memory, sample.at_s)
        wanted = self.wanted(memory, voices, sample.at_s, self.k)
        return memory, len(self._ayes(voices)) / wanted if wanted else 0.0

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        voices = self.voices(memory, sample.at_s)
        ayes = self._ayes(voices)
        against = [voice for voice in voices if voice not in ayes]
        side = "at or above" if self.is_high else "at or below"
        return self.limit, f"{len(ayes)} of {len(voices)} {side} {self.limit:g}{_conflicts(against if ayes else [])}"

    def _ayes(self, voices: Voices) -> Voices:
        return [voice for voice in voices if (voice[1] >= self.limit if self.is_high else voice[1] <= self.limit)]


@dataclass(frozen=True, kw_only=True)
class Fusion(Several):
    """The one value that the inputs support, against `limit`, with the share of voices that support it.

    Voices further than 3 `sigma` (of one sensor) from the median are in conflict and left out of the mean.
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
        memory = self.heard(memory, sample)
        voices = self.voices(memory, sample.at_s)
        fused, n_agreed, _ = self.fused(voices)
        majority = self.wanted(memory, voices, sample.at_s, self.n // 2 + 1)
        if not voices or n_agreed < majority:
            return memory, 0.0
        excess = (fused - self.limit) / abs(self.limit)
        return memory, max(1 + (excess if self.is_high else -excess), 0.0)

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
        value, n_agreed, against = self.fused(self.voices(memory, sample.at_s))
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
        return ((NOTHING_YET, 0.0, 0.0),) * self.n

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        baseline, z, _ = memory[sample.source]
        if sample.is_sure:
            z += (sigmas(baseline, sample.value) - z) / max(self.smooth_n, 1)
            baseline = learnt(baseline, sample.value, self.memory_n)
        said = (baseline, z, sample.at_s)
        memory = (*memory[: sample.source], said, *memory[sample.source + 1 :])
        return memory, abs(memory[0][1]) / self.width_sigmas

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        departs = memory[0][1]
        others = [(z if departs > 0 else -z) for _, z, at_s in memory[1:] if abs(sample.at_s - at_s) <= self.fresh_s]
        support = sum(z >= self.support_sigmas for z in others)
        verdict = "gas" if support else "a bad sensor" if others else "gas or a bad sensor: no neighbour speaks"
        words = f"departs by {departs:+.1f} spreads, {support} of {len(others)} neighbours with it: {verdict}"
        return self.width_sigmas, words


def _median(values: Sequence[float]) -> float:
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _conflicts(against: Voices) -> str:
    listed = ", ".join(f"input {i} shows {value:.3g}" for i, value in against)
    return f"; in conflict: {listed}" if listed else ""
