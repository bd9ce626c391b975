"""An alarm that stands is cleared by what is known to be well, not by what is not known."""

from collections.abc import Callable

import pytest

from edge_bridge.protocol import AlarmEvent
from edge_bridge.rules.detector import Sample
from edge_bridge.rules.trial import outcomes
from tests.unit.edge.test_detectors import made

RAISED, CLEARED = AlarmEvent.RAISED, AlarmEvent.CLEARED


# Several sensors -----------------------------------------------------------------------------------------------------


Says = Callable[[int, int], float | str | None]


def told(name: str, say: Says, n_s: int = 900) -> list[tuple[int, AlarmEvent]]:
    """What is said at which second; `say` of second and input: a value, "?…" an uncertain one, None nothing."""
    heard = []
    for s in range(n_s):
        for source in range(3):
            value = say(s, source)
            if value is not None:
                sure = not isinstance(value, str)
                heard.append(Sample(1.7e9 + s, float(str(value).lstrip("?")), sure, source, 1.7e9 + s))
    detector = made(name, limit=1.0, **({"sigma": 0.05} if name == "fusion" else {}))
    return [(int(one.sample.at_s - 1.7e9), said.event) for one in outcomes(detector, heard) for said in one.findings]


@pytest.mark.parametrize("silence", [None, "?1.5", "?0.2"])
@pytest.mark.parametrize("name", ["vote", "fusion"])
def test_silence_or_doubt_of_those_over_the_limit_clears_nothing(name: str, silence: str | None) -> None:
    def say(s: int, source: int) -> float | str | None:
        if source == 2 or s < 100:
            return 0.2
        return silence if 200 <= s < 600 else 1.5 if s < 700 else 0.2

    events = told(name, say)
    assert [event for _, event in events] == [RAISED, CLEARED]
    assert events[1][0] == 700, "cleared when those who were over say that it is over"


@pytest.mark.parametrize("name", ["vote", "fusion"])
def test_minority_clears_nothing(name: str) -> None:
    """Two well sensors die while the third, left alone, has raised the alarm."""

    def say(s: int, source: int) -> float | None:
        if source == 2:
            return 1.5 if 100 <= s < 300 else 0.2
        return 0.2 if s < 100 else None

    assert [event for _, event in told(name, say)] == [RAISED]


def test_sensors_over_the_limit_that_come_to_disagree_clear_nothing() -> None:
    over = ((1.2, 1.2), (1.21, 1.6), (1.22, 2.4))

    def say(s: int, source: int) -> float:
        return 0.3 if s < 100 or s >= 600 else over[source][s >= 300]

    events = told("fusion", say)
    assert [event for _, event in events] == [RAISED, CLEARED]
    assert events[1][0] == 600
