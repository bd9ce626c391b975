"""The picture of docs/how-to/see-it-early.md: `python -m bench.early_warning docs/early-warning.svg`.

A fan of the simulated heading stops; who tells it when, before methane is at its limit.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.detectors import AIR, DURATION_S, FAN, HEADING, METHANE, START_AT, STEP_S
from edge_bridge.protocol import AlarmEvent
from edge_bridge.rules.detector import Sample
from edge_bridge.rules.kinds import DETECTORS
from edge_bridge.rules.trial import outcomes
from optimization.drawing import svg_of
from terminal_sim.faults import Fault, FaultKind
from terminal_sim.scenario import Scenario
from terminal_sim.simulation import simulate

FAULT = Fault(FaultKind.FAN_STOP, FAN, "the fan stops", DURATION_S - 1200, 240)
LOOKOUTS: Mapping[str, Mapping[str, Any]] = {"surprise": {}, **METHANE}
SHOWN_S = (-120.0, 480.0)  # around the fault


def main() -> None:
    scenario = Scenario("early warning", 3, START_AT, DURATION_S, STEP_S, HEADING, (FAULT,))
    samples = [Sample(one.at_s, one.values["ch4"]) for one in simulate(scenario) if one.terminal.equipment == AIR]
    shown = [sample for sample in samples if SHOWN_S[0] <= sample.at_s - FAULT.start_s <= SHOWN_S[1]][::4]
    traces = [_line("methane", shown, [sample.value for sample in shown])]
    traces.append(_line("30 USC 863 (i)", shown, [1.0] * len(shown)) | {"line": {"dash": "dash"}})
    traces += list(_warnings(samples))
    axis = {"title": {"text": "minutes after the fan stopped"}}
    layout = {
        "title": {"text": "Methane in a heading whose fan stops, and who tells it when"},
        "xaxis": axis,
        "yaxis": {"title": {"text": "methane, %"}, "rangemode": "tozero"},
    }
    Path(sys.argv[1]).write_text(svg_of({"data": traces, "layout": layout}))


def _line(name: str, samples: Sequence[Sample], values: Sequence[float]) -> dict[str, Any]:
    minutes = [(sample.at_s - FAULT.start_s) / 60 for sample in samples]
    return {"type": "scatter", "mode": "lines", "name": name, "x": minutes, "y": list(values)}


def _warnings(samples: Sequence[Sample]) -> Iterator[dict[str, Any]]:
    """The first alarm of each detector after the fault's beginning."""
    for name, parameters in LOOKOUTS.items():
        told = (
            (outcome.sample, said.words)
            for outcome in outcomes(DETECTORS[name].made(parameters), samples)
            for said in outcome.findings
            if said.event is AlarmEvent.RAISED and outcome.sample.at_s >= FAULT.start_s
        )
        sample, words = next(told)
        after_s = sample.at_s - FAULT.start_s
        print(f"{name}: after {after_s:.0f} s at {sample.value:.2f} %: {words}")
        dots = _line(f"{name}: {after_s:.0f} s", [sample], [sample.value])
        yield dots | {"mode": "markers", "marker": {"size": 11}}


if __name__ == "__main__":
    main()
