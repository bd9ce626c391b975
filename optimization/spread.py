"""Parts of one plan, spread over the workers of the queue `parts`; the coordinator never depends on any of them.

The parts of a wave lie in a list in the broker. Workers take them from the front, each told by a message of an ordinary
Celery group that there is one; the coordinator takes them from the end. What was taken and does not come back (a worker
that died, a message that was lost, a broker that is away) the coordinator solves too: a part's answer is the same
wherever it is solved, so the first one counts. A wave is wanted only as long as its coordinator says so.

    parts:<wave>            list: number of the part, its bytes
    parts:<wave>:answers    list: number of the part, its answer's bytes
    parts:<wave>:wanted     expires when the coordinator is gone; a worker then drops what it has in hand
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from uuid import uuid4

import redis
from celery import current_app, group
from kombu.exceptions import OperationalError

from optimization.decomposition.parts import (
    NOTHING,
    LocalPool,
    Part,
    PartAnswer,
    ShouldStop,
    packed,
    solve_part,
    unpacked,
    unpacked_answer,
)
from optimization.dispatch import PARTS, SOLVE_PART
from optimization.presence import broker, key, somebody_listens

# Parts of fewer columns are solved in less time than they take to a worker and back.
WORTH_COLUMNS = 100
WANTED_S = 5
RENEW_S = 1.0
LOOK_S = 0.05
UNWANTED_S = 0.2
# How long a part that others took is left to them while there is nothing else to do.
PATIENCE_S = 1.0
NUMBER_BYTES = 4
LOST = (redis.RedisError, OperationalError)
log = logging.getLogger(__name__)


class CeleryPool:
    """A Pool for one plan: local where nobody listens, where the parts are small, and once the broker was away."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._is_cut_off = False

    def solve(self, parts: Sequence[Part], *, should_stop: ShouldStop) -> list[PartAnswer]:
        return list(self.stream(parts, should_stop))

    def stream(self, parts: Sequence[Part], should_stop: ShouldStop) -> Iterator[PartAnswer]:
        """In the order given, each answer as soon as it and those before it are known."""
        columns = sum(len(part.program.cost) for part in parts)
        is_worth_it = len(parts) > 1 and columns >= WORTH_COLUMNS * len(parts)
        if self._is_cut_off or not is_worth_it or not self._is_heard():
            yield from LocalPool(self._threads).stream(parts, should_stop)
            return
        wave = _Wave(parts, should_stop)
        yield from wave.answers(self._threads)
        self._is_cut_off = wave.is_cut_off

    def _is_heard(self) -> bool:
        try:
            return somebody_listens()
        except redis.RedisError as error:
            log.warning("the broker is away, parts are solved here: %s", error)
            self._is_cut_off = True
            return False


class _Wave:
    """One call of the pool: threads solve parts here while the caller's thread collects what the workers send."""

    def __init__(self, parts: Sequence[Part], should_stop: ShouldStop) -> None:
        self.is_cut_off = False
        self._parts, self._should_stop = parts, should_stop
        self._held, self._answered, self._wanted = _keys(uuid4().hex)
        self._answers: dict[int, PartAnswer] = {}
        self._here: set[int] = set()
        self._failure: BaseException | None = None
        self._over, self._lock, self._renewed = Event(), Lock(), time.monotonic()

    def answers(self, threads: int) -> Iterator[PartAnswer]:
        """In the order of the parts; NOTHING only for those that the wish to stop kept from being solved."""
        self._guarded(self._send)
        with ThreadPoolExecutor(threads) as pool:
            for _ in range(threads):
                pool.submit(self._work)
            try:
                for number in range(len(self._parts)):
                    self._collect(number)
                    if self._failure is not None:
                        raise self._failure
                    yield self._answers.get(number, NOTHING)
            finally:
                self._over.set()
                self._guarded(lambda: broker().delete(self._held, self._answered, self._wanted))

    def _send(self) -> None:
        numbered = [_numbered(number, packed(part)) for number, part in enumerate(self._parts)]
        with broker().pipeline() as pipeline:
            pipeline.set(self._wanted, 1, ex=WANTED_S).rpush(self._held, *numbered).expire(self._held, WANTED_S)
            pipeline.execute()
        wave = self._held.rpartition(":")[2]
        expires_s = max(1.0, self._parts[0].left_s)
        message = current_app.signature(SOLVE_PART, args=[wave], queue=PARTS, expires=expires_s)
        group(message.clone() for _ in self._parts).apply_async(add_to_parent=False)

    def _collect(self, number: int) -> None:
        """Until the part is answered, from here or there; what the broker does not bring comes from here."""
        while number not in self._answers and not self._is_over():
            if self.is_cut_off:
                self._over.wait(LOOK_S)
                continue
            self._guarded(self._receive)
            if time.monotonic() - self._renewed >= RENEW_S:
                self._renewed = time.monotonic()
                self._guarded(self._renew)

    def _receive(self) -> None:
        came = broker().blpop([self._answered], timeout=LOOK_S)
        if came is None:
            return
        number, content = _unnumbered(came[1])
        try:
            self._keep(number, unpacked_answer(content, self._parts[number]))
        except (ValueError, IndexError) as error:
            log.warning("an answer is dropped, its part is solved here: %s", error)

    def _renew(self) -> None:
        with broker().pipeline() as pipeline:
            pipeline.expire(self._wanted, WANTED_S).expire(self._held, WANTED_S).execute()

    def _work(self) -> None:
        """Solve what is left at the end of the list; then what others took and do not bring back."""
        idle_since = time.monotonic()
        try:
            while not self._is_over():
                number = self._taken()
                if number is None and (self.is_cut_off or time.monotonic() - idle_since > PATIENCE_S):
                    number = self._left_behind()
                if number is None:
                    self._over.wait(LOOK_S)
                    continue
                self._keep(number, solve_part(self._parts[number], self._stop_of(number)))
                idle_since = time.monotonic()
        except BaseException as failure:  # carried over to the caller's thread: nobody else would solve the part
            self._failure = failure
            self._over.set()

    def _taken(self) -> int | None:
        content = self._guarded(lambda: broker().rpop(self._held))
        if not isinstance(content, bytes):
            return None
        number, _ = _unnumbered(content)
        with self._lock:
            self._here.add(number)
        return number

    def _left_behind(self) -> int | None:
        with self._lock:
            elsewhere = set(range(len(self._parts))) - self._here - self._answers.keys()
            number = max(elsewhere, default=None)
            if number is not None:
                self._here.add(number)
            return number

    def _keep(self, number: int, answer: PartAnswer) -> None:
        with self._lock:
            self._answers.setdefault(number, answer)
            if len(self._answers) == len(self._parts):
                self._over.set()

    def _is_over(self) -> bool:
        return self._over.is_set() or self._should_stop()

    def _stop_of(self, number: int) -> ShouldStop:
        return lambda: number in self._answers or self._is_over()

    def _guarded(self, step: Callable[[], object]) -> object:
        """None, and the broker is not asked again, if it is away."""
        if self.is_cut_off:
            return None
        try:
            return step()
        except LOST as error:
            log.warning("the broker is away, parts are solved here: %s", error)
            self.is_cut_off = True
            return None


def take_part(wave: str) -> None:
    """In a worker: solve the first part that nobody has taken yet; its answer is sent unless it was cut short."""
    held, answered, wanted = _keys(wave)
    content = broker().lpop(held)
    if content is None:
        return
    number, part = _unnumbered(content)
    unwanted = _Unwanted(wanted)
    answer = solve_part(unpacked(part), unwanted)
    if not unwanted.was_seen:
        with broker().pipeline() as pipeline:
            pipeline.rpush(answered, _numbered(number, packed(answer))).expire(answered, WANTED_S).execute()


class _Unwanted:
    """Whether the wave is over or its coordinator gone, asked of the broker a few times a second."""

    def __init__(self, wanted: str) -> None:
        self.was_seen = False
        self._wanted, self._asked = wanted, -UNWANTED_S

    def __call__(self) -> bool:
        if not self.was_seen and time.monotonic() - self._asked >= UNWANTED_S:
            self._asked = time.monotonic()
            self.was_seen = not self._is_wanted()
        return self.was_seen

    def _is_wanted(self) -> bool:
        """Never raises: HiGHS asks it from the middle of its work."""
        try:
            return bool(broker().exists(self._wanted))
        except redis.RedisError as error:
            log.warning("the broker is away, a part is dropped: %s", error)
            return False


def _keys(wave: str) -> tuple[str, str, str]:
    held = key(wave)
    return held, f"{held}:answers", f"{held}:wanted"


def _numbered(number: int, content: bytes) -> bytes:
    return number.to_bytes(NUMBER_BYTES, "big") + content


def _unnumbered(content: bytes) -> tuple[int, bytes]:
    return int.from_bytes(content[:NUMBER_BYTES], "big"), content[NUMBER_BYTES:]
