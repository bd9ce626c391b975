"""What a detector costs a sample, and what it finds: `python -m bench.detectors --seeds 5`.

First the CPU microseconds of one sample with every detector's defaults: the step, and the state to the text that a
gateway saves with each frame; what a restart takes to read it; beside them a plain comparison with a limit, saved the
same way. Then precision, recall and time on labelled faults of simulated terminals: a heading with its fan and three
gas sensors, three hours at a reading every two seconds, one fault at a random moment of the second half. Rules over
several sensors have to find that the fan stops while the second sensor is at fault, from a quarter of an hour before.
*After* is the median time from the fault's beginning to the alarm; *lead* the median time from the alarm to the moment
when the hazard itself is there (methane at 1 %, vibration at 7.1 mm/s), negative if the alarm came later. False alarms
are counted by the week.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from statistics import median
from typing import Any

from edge_bridge.protocol import AlarmEvent, Quality
from edge_bridge.rules.detector import Detector, Sample, state_from_text, state_to_text
from edge_bridge.rules.kinds import DETECTORS
from edge_bridge.rules.trial import Verdict, Window, verdict
from terminal_sim.faults import IN_THE_TERMINAL, Fault, FaultKind
from terminal_sim.process import TerminalKind
from terminal_sim.scenario import Scenario, Terminal
from terminal_sim.simulation import Links, Measured, Mine, seconds

N_TIMED = 20_000
DURATION_S, STEP_S = 10_800.0, 2.0
AFTERMATH_S = 300.0  # an alarm is still of the fault so long after its end
BESIDE_S = 900.0  # so long before it another sensor is at fault already, where one is
START_AT = datetime(2026, 3, 1, 6, tzinfo=UTC)
FAN, AIR, TWIN, THIRD = "FAN-1", "AIR-1", "AIR-1B", "AIR-1C"
HEADING = (
    Terminal("fan", TerminalKind.FAN, FAN),
    Terminal("air", TerminalKind.ENVIRONMENT_SENSOR, AIR, ventilated_by=FAN),
    Terminal("second sensor", TerminalKind.ENVIRONMENT_SENSOR, TWIN, twin_of=AIR),
    Terminal("third sensor", TerminalKind.ENVIRONMENT_SENSOR, THIRD, twin_of=AIR),
)
NEEDED: Mapping[str, Mapping[str, Any]] = {
    "limits": {"hi": 5.0},
    "rate": {"limit_per_s": 1.0},
    "time_to_limit": {"limit": 50.0},
    "out_of_range": {"lowest": -10.0, "highest": 10.0},
    "twin": {"tolerance": 2.0},
    "vote": {"limit": 5.0},
    "fusion": {"limit": 5.0, "sigma": 1.0},
}
Lookouts = Mapping[str, Mapping[str, Any]]
Step = tuple[float, Sequence[Measured]]  # when, and what came then
MINUTES: Mapping[str, Any] = {"group_n": 30}  # successive readings of air resemble one another; means of a minute less
FAST: Mapping[str, Any] = {"limit_exponent": 7.0}  # at a reading every two seconds the default tells too much
LEARNING: Lookouts = {
    "ewma": MINUTES,
    "cusum": MINUTES,
    "page_hinkley": MINUTES,
    "gaussian_tail": MINUTES,
    "spike": {},
    "surprise": {},
    "surprise, 7": FAST,
}


@dataclass(frozen=True)
class Case:
    """A kind of fault, the tag where it shows, who looks for it; `hazard`: the value from which it is one.

    `beside`: faults of the second sensor that hold meanwhile, and their sizes.
    """

    kind: FaultKind
    equipment: str
    duration_s: float
    tag: str
    watched: tuple[str, ...]
    lookouts: Lookouts
    size: float = 1.0
    hazard: float | None = None
    fault_tag: str = ""
    beside: Mapping[FaultKind, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.kind}, {' + '.join(self.beside)}" if self.beside else str(self.kind)

    def faults(self, start_s: float) -> tuple[Fault, ...]:
        """The one to be found first."""
        found = Fault(self.kind, self.equipment, "", start_s, self.duration_s, self.size, self.fault_tag)
        lasts_s = BESIDE_S + self.duration_s + AFTERMATH_S / 2
        return found, *(
            Fault(kind, TWIN, "", start_s - BESIDE_S, lasts_s, size, "" if kind in IN_THE_TERMINAL else self.tag)
            for kind, size in self.beside.items()
        )


METHANE: Lookouts = {
    "limits": {"hi": 1.0, "deadband": 0.1},
    "time_to_limit": {"limit": 1.0, "unit": "%", "clause": "30 USC 863 (i)", "over_s": 30.0, "horizon_s": 300.0},
    "rate": {"limit_per_s": 0.002, "over_s": 20.0},
}
TOGETHER: Lookouts = {
    "vote": {"limit": 1.0, "k": 2},
    "fusion": {"limit": 1.0, "sigma": 0.05},
    "neighbours": {},
}


def together(beside: Mapping[FaultKind, float]) -> Case:
    return Case(FaultKind.FAN_STOP, FAN, 240, "ch4", (AIR, TWIN, THIRD), TOGETHER, hazard=1.0, beside=beside)


CASES = (
    Case(FaultKind.FAN_STOP, FAN, 240, "ch4", (AIR,), {**METHANE, **LEARNING}, hazard=1.0),
    Case(FaultKind.GAS_BURST, AIR, 300, "ch4", (AIR,), {**METHANE, **LEARNING}, size=5.0, hazard=1.0),
    Case(
        FaultKind.BEARING_WEAR,
        FAN,
        2400,
        "vibration",
        (FAN,),
        {
            "limits": {"hi": 7.1, "deadband": 0.5},
            "time_to_limit": {"limit": 7.1, "over_s": 300.0, "horizon_s": 1800.0},
            **LEARNING,
        },
        hazard=7.1,
    ),
    Case(FaultKind.STEP, AIR, 1200, "temperature", (AIR,), LEARNING, size=6.0, fault_tag="temperature"),
    Case(FaultKind.DRIFT, AIR, 2400, "o2", (AIR,), LEARNING, size=-1.5, fault_tag="o2"),
    Case(FaultKind.SPIKE, AIR, 2, "co", (AIR,), LEARNING, size=30.0, fault_tag="co"),
    Case(
        FaultKind.STUCK_SENSOR,
        AIR,
        900,
        "dust",
        (AIR,),
        {"stuck": {"for_s": 120.0}, "surprise": {}, "surprise, 7": FAST},
        fault_tag="dust",
    ),
    Case(FaultKind.DRIFT, TWIN, 2400, "ch4", (AIR, TWIN), {"twin": {"tolerance": 0.1}}, size=0.5, fault_tag="ch4"),
    Case(FaultKind.CLOCK_SKEW, AIR, 600, "ch4", (AIR,), {"clock": {"limit_s": 30.0}}, size=90.0),
    Case(FaultKind.COMMUNICATIONS_LOSS, AIR, 600, "ch4", (AIR,), {"silence": {"for_s": 60.0}}),
    Case(
        FaultKind.DRIFT,
        AIR,
        2400,
        "ch4",
        (AIR,),
        {"out_of_range": {"lowest": -0.05, "highest": 5.0}},
        size=-1.0,
        fault_tag="ch4",
    ),
    together({FaultKind.STUCK_SENSOR: 1.0}),
    together({FaultKind.DRIFT: 2.0}),
    together({FaultKind.DRIFT: 2.0, FaultKind.CLOCK_SKEW: -3600.0}),
    together({FaultKind.DRIFT: 2.0, FaultKind.COMMUNICATIONS_LOSS: 1.0}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{'CPU us':16}{'step':>8}{'save':>8}{'both':>8}{'restore':>9}{'bytes':>8}")
    print(f"{'(a plain limit)':16}" + "{:8.1f}{:8.1f}{:8.1f}".format(*plain_cost()))
    for name in DETECTORS:
        print(f"{name:16}" + "{:8.1f}{:8.1f}{:8.1f}{:9.1f}{:8d}".format(*cost(made(name))))
    print(f"\n{'fault':40}{'detector':16}{'precision':>10}{'recall':>8}{'after':>9}{'lead':>9}{'false a week':>14}")
    for case in CASES:
        for name, found in tried(case, arguments.seeds).items():
            print(_line(f"{case.label:40}{name:16}", found))


def made(name: str) -> Detector:
    return DETECTORS[name].made(NEEDED.get(name, {}))


def cost(detector: Detector) -> tuple[float, float, float, float, int]:
    """CPU microseconds of a step, of its state to text, of both, and of the text to a state; bytes of that text."""
    rng = Random(1)
    samples = [Sample(1e9 + 2.0 * n, rng.gauss(0, 1), source=n % detector.n_inputs) for n in range(N_TIMED)]
    states = [detector.begin()]
    stepped = _each_us(samples, lambda sample: states.append(detector.step(states.pop(), sample)[0]))
    saved = _each_us(samples, lambda _: state_to_text(detector, states[0]))
    text = state_to_text(detector, states[0])
    restored = _each_us(samples[:1000], lambda _: state_from_text(detector, text))
    return stepped, saved, stepped + saved, restored, len(text)


def plain_cost() -> tuple[float, float, float]:
    """The least that anything costs here: one comparison, and its outcome as text."""
    rng = Random(1)
    samples = [rng.gauss(0, 1) for _ in range(N_TIMED)]
    stepped = _each_us(samples, lambda value: value > 5.0)
    saved = _each_us(samples, lambda value: str(value > 5.0))
    return stepped, saved, stepped + saved


def _each_us(samples: Sequence[Any], act: Callable[[Any], object]) -> float:
    begun = time.process_time()
    for sample in samples:
        act(sample)
    return (time.process_time() - begun) / len(samples) * 1e6


@dataclass
class Found:
    """All seeds together."""

    verdicts: list[Verdict]
    after_s: list[float]
    has_hazard: bool


def tried(case: Case, n_seeds: int) -> dict[str, Found]:
    found = {name: Found([], [], case.hazard is not None) for name in case.lookouts}
    for seed in range(n_seeds):
        start_s = Random(f"{case.kind}/{seed}").uniform(DURATION_S / 2, DURATION_S - case.duration_s - 2 * AFTERMATH_S)
        faults = case.faults(start_s)
        steps = list(_heard(Scenario("bench", seed, START_AT, DURATION_S, STEP_S, HEADING, faults)))
        window = Window(start_s, faults[0].end_s + AFTERMATH_S, _due_s(case, steps, faults[0]))
        for name, parameters in case.lookouts.items():
            raised_s = _raised_s(DETECTORS[name.partition(",")[0]].made(parameters), case, steps)
            found[name].verdicts.append(verdict(raised_s, [window], DURATION_S))
            first_s = next((at_s for at_s in raised_s if window.start_s <= at_s <= window.end_s), None)
            if first_s is not None:
                found[name].after_s.append(first_s - start_s)
    return found


def _heard(scenario: Scenario) -> Iterator[Step]:
    mine, links = Mine(scenario), Links(scenario)
    for at_s in seconds(scenario):
        yield at_s, links.through(mine.step(at_s), at_s)


def _due_s(case: Case, steps: Sequence[Step], fault: Fault) -> float:
    """When the hazard is there in truth; the fault's end where it never is."""
    measured = (one for _, heard in steps for one in heard if one.terminal.equipment == case.watched[0])
    values = ((one.at_s, one.truth[case.tag]) for one in measured)
    due = (at_s for at_s, value in values if case.hazard is not None and value >= case.hazard and at_s >= fault.start_s)
    return next(due, fault.end_s)


def _raised_s(detector: Detector, case: Case, steps: Sequence[Step]) -> list[float]:
    state, raised_s = detector.begin(), []
    for now_s, heard in steps:
        state, _, finding = detector.tick(state, now_s)
        findings = [finding]
        for one in heard:
            if one.terminal.equipment in case.watched and case.tag in one.values:
                state, _, finding = detector.step(state, _sample(case, one, now_s))
                findings.append(finding)
        raised_s += [now_s for said in findings if said is not None and said.event is AlarmEvent.RAISED]
    return raised_s


def _sample(case: Case, one: Measured, heard_s: float) -> Sample:
    source = case.watched.index(one.terminal.equipment)
    return Sample(one.at_s + one.skew_s, one.values[case.tag], one.quality is Quality.GOOD, source, heard_s)


def _line(head: str, found: Found) -> str:
    n_alarms = sum(told.n_alarms for told in found.verdicts)
    n_false = sum(told.n_false for told in found.verdicts)
    recall = sum(told.n_hits for told in found.verdicts) / len(found.verdicts)
    leads_s = [lead_s for told in found.verdicts for lead_s in told.leads_s]
    precision = f"{(n_alarms - n_false) / n_alarms:.2f}" if n_alarms else "-"
    after = f"{median(found.after_s):.0f} s" if found.after_s else "-"
    lead = f"{median(leads_s):.0f} s" if leads_s and found.has_hazard else "-"
    a_week = n_false * 7 * 86_400 / (DURATION_S * len(found.verdicts))
    return f"{head}{precision:>10}{recall:8.2f}{after:>9}{lead:>9}{a_week:14.0f}"


if __name__ == "__main__":
    main()
