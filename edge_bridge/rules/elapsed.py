"""How long it has been between samples, by a clock that may stand still, start over or be put.

Stamps say it, so that what was held on its way counts for as long as it took. A sample whose stamp is not newer than
the newest is passed over: it is out of order, or was held. But where nothing else comes for a while by the gateway's
clock, the sensor's clock is wrong; then the gateway's says how long it has been, and the stamps count on from there.
The first that goes on counts no more than the gateway's, which has counted the time before it.
"""

from abc import abstractmethod

from edge_bridge.rules.detector import Measuring, Sample, State

# Stamp of the newest sample, when it was heard, since when only older ones come (None: they do not), and the seconds
# that were counted.
Elapsed = State


def begun(sample: Sample, counted_s: float = 0.0) -> Elapsed:
    return sample.at_s, sample.heard_s, None, counted_s


def counted_on(elapsed: Elapsed, sample: Sample, wait_s: float) -> tuple[Elapsed, float]:
    """After the sample, and the seconds since the newest before it; 0 if it is passed over.

    Nothing more is passed over once only such samples have come for `wait_s`, until the stamps go on.
    """
    at_s, heard_s, behind_s, counted_s = elapsed
    now_s, dt_s = sample.heard_s, sample.at_s - at_s
    goes_on = dt_s > 0
    if behind_s is not None and abs(now_s - behind_s) >= wait_s:
        # In a recording all there is are stamps that went back.
        passed_s = now_s - heard_s if now_s >= heard_s else wait_s
        dt_s = min(dt_s, passed_s) if goes_on else passed_s
    elif not goes_on:
        return (at_s, heard_s, now_s if behind_s is None else behind_s, counted_s), 0.0
    return (sample.at_s, now_s, None if goes_on else behind_s, counted_s + dt_s), dt_s


def put(elapsed: Elapsed, by_s: float) -> Elapsed:
    """As if the gateway's clock had been so all along."""
    at_s, heard_s, behind_s, counted_s = elapsed
    return at_s, heard_s + by_s, None if behind_s is None else behind_s + by_s, counted_s


def as_now_kept(at_s: float, counted_s: float) -> Elapsed:
    """Before, it was the stamp alone."""
    return at_s, at_s, None, counted_s


class Counting(Measuring):
    """Its memory begins with what has elapsed; it is empty before the first sample."""

    def empty(self) -> State:
        return ()

    def clock_was_put(self, state: State, by_s: float) -> State:
        is_raised, over_s, memory = state
        return is_raised, over_s, (put(memory[0], by_s), *memory[1:]) if memory else ()

    def as_now_kept(self, state: State) -> State:
        is_raised, over_s, memory = state
        if not memory or isinstance(memory[0], tuple):
            return state
        return is_raised, over_s, self.memory_as_now_kept(memory)

    @abstractmethod
    def memory_as_now_kept(self, memory: State) -> State:
        """A memory that begins with a stamp alone, in the shape that it has now."""
