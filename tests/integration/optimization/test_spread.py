"""Parts of plans on real workers of the queue `parts`: shared, left by a killed one, unwanted, and without a broker."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from cloudmining.embedded import valkey
from cloudmining.embedded.home import Home
from optimization import presence
from optimization.decomposition.parts import NOTHING, LocalPool, Part, PartAnswer
from optimization.decomposition.reduced import blocks_of
from optimization.decomposition.value_function import value_functions
from optimization.generator import generate
from optimization.spread import CeleryPool
from tests.live_worker import LiveWorker

Workers = tuple[LiveWorker, LiveWorker]
RECEIVED, DONE = " received", " succeeded in "


def parts_of(mines: int, periods: int = 4, gap: float = 0.01, nodes: int = 40) -> list[Part]:
    """The mines of an instance, each by itself: about 0.4 s each; minutes with ten periods at a gap of 0."""
    instance = generate(mines, 3, 6, periods, 3, 3, seed=2)
    blocks = blocks_of(instance, value_functions(instance))
    return [Part(block.program, None, gap, nodes, 60.0, seed=1) for block in blocks]


def never() -> bool:
    return False


def equal(answers: list[PartAnswer], others: list[PartAnswer]) -> bool:
    pairs = list(zip(answers, others, strict=True))
    same = all((a.objective, a.bound, a.nodes) == (b.objective, b.bound, b.nodes) for a, b in pairs)
    return same and all(np.array_equal(a.values, b.values) for a, b in pairs)


def waiting() -> int:
    """Messages that nobody has taken, and lists of parts and answers that somebody forgot."""
    store, prefix = presence.broker(), presence.key("").removesuffix("parts:")
    left = [name for name in store.scan_iter(match=f"{prefix}parts:*") if not name.endswith(b":listening")]
    return int(store.llen(f"{prefix}parts")) + len(left)


def until(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nothing_is_sent_where_nobody_listens() -> None:
    parts = parts_of(2)
    assert not presence.somebody_listens()
    assert equal(CeleryPool(2).solve(parts, should_stop=never), LocalPool(1).solve(parts, should_stop=never))
    assert waiting() == 0


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with LiveWorker(queues="parts", name="first") as first, LiveWorker(queues="parts", name="second") as second:
        yield first, second


def test_parts_are_shared_and_answered_as_at_home(workers: Workers) -> None:
    parts = parts_of(8)
    assert equal(CeleryPool(1).solve(parts, should_stop=never), LocalPool(2).solve(parts, should_stop=never))
    until(lambda: waiting() == 0)
    for worker in workers:
        until(lambda worker=worker: worker.output.count(DONE) > 0)
        assert "Traceback" not in worker.output, worker.output


def test_worker_goes_on_saying_that_it_listens(workers: Workers) -> None:
    presence.broker().delete(presence.key("listening"))
    until(presence.somebody_listens)


def test_what_nobody_wants_any_more_is_dropped_by_the_workers(workers: Workers) -> None:
    seen = [len(worker.output) for worker in workers]

    def heard(words: str) -> bool:
        return all(words in worker.output[at:] for worker, at in zip(workers, seen, strict=True))

    stopping = threading.Event()
    after_all_began = threading.Thread(target=lambda: (until(lambda: heard(RECEIVED)), time.sleep(1), stopping.set()))
    after_all_began.start()
    endless = parts_of(4, periods=10, gap=0.0, nodes=10**6)
    answers = CeleryPool(1).solve(endless, should_stop=stopping.is_set)
    after_all_began.join()
    assert sum(answer is NOTHING for answer in answers) >= 2
    until(lambda: heard(DONE))
    until(lambda: waiting() == 0)


@pytest.mark.chaos
def test_part_of_a_killed_worker_is_solved_by_its_coordinator(workers: Workers) -> None:
    parts, first = parts_of(6), workers[0]
    seen = len(first.output)

    def kill_in_the_middle() -> None:
        until(lambda: RECEIVED in first.output[seen:])
        first.kill()

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    answers = CeleryPool(1).solve(parts, should_stop=never)
    killer.join()
    assert first.output[seen:].count(RECEIVED) > first.output[seen:].count(DONE)
    assert equal(answers, LocalPool(2).solve(parts, should_stop=never))


@pytest.mark.chaos
def test_broker_that_dies_in_the_middle_costs_nothing_but_the_help(tmp_path, settings, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    home = Home.at(str(tmp_path))
    server, parts = valkey.start(home, durable=False, leash=True), parts_of(3)
    settings.REDIS_URL = valkey.url(home.secrets().valkey, server.port)
    presence.broker.cache_clear()
    try:
        presence.broker().set(presence.key("listening"), 1)
        killer = threading.Timer(0.2, server.stop)
        killer.start()
        answers = CeleryPool(1).solve(parts, should_stop=never)
        killer.join()
    finally:
        presence.broker.cache_clear()
        server.stop()
    assert equal(answers, LocalPool(2).solve(parts, should_stop=never))
